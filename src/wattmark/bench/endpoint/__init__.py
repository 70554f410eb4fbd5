"""Models behind a server that speaks OpenAI's API: asked over HTTP, counted by what the server tells."""
