"""A STOW-RS server that takes requests of any size, and sends them on in requests that fit."""
