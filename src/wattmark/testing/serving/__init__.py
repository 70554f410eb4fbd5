"""A serving node that never was: traffic, engines and power are made up, and so their truth is known.

``windows`` gives a month of minutes in seconds, ``requests`` gives single requests with the power beside
them, and ``node`` is a machine to run an agent on. All of it needs numpy and is the same for one seed.
"""
