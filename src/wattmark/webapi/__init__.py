"""The one way in which this package speaks to JSON APIs over HTTP, whichever layer asks."""
