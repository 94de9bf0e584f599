"""The listeners: sockets in, ``HttpRequest`` -> ``Handler`` -> ``HttpAnswer``, sockets out; drain and workers."""
