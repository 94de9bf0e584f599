def rate(metres):
    """Euros per metre and night: long ships pay less per metre."""
    return 2.0 if metres < 50 else 1.5
