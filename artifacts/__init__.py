"""What both halves do with files and options. Knows neither ``vae`` nor ``lyrics``."""
