"""Trains the scorer of `retrieval.rerank`; nothing here runs while questions are answered.

    labelled data --datasets--> passages + questions --mining--> hard negatives --groups--> training groups
    groups --train--> LoRA adapter + heads --calibrate--> probabilities

`interview-rag eval retrieval --data DIR` measures what comes out, on articles that were kept out.

The folder of labelled data is always an argument; nothing of it is part of the project.
"""
