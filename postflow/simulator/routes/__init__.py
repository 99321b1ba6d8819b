"""The API of Frame.io, a module per kind of object."""
