"""Where instances are kept: bytes in S3, index in DynamoDB.

An instance is stored in this order: its object, and meanwhile its study and its series if they are
new; what these lack otherwise; its own item. That item is the commit: nothing is acknowledged
before it, and an instance that was interrupted before it is not stored and may be sent again.
Objects are immutable and named by their digest, and the commit is conditional: if senders race for
the same UIDs with different bytes, one wins, and no write destroys what another wrote.
"""
