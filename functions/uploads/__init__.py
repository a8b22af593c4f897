"""The Lambda behind /uploads: offers uploads for bodies too large for a POST, and answers them."""
