"""Language models: the seam to them, what runs them, their files, and RoPE scaling."""
