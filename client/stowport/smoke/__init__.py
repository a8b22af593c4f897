"""``stowport smoke``: requests that show whether a deployment does what the documents say."""
