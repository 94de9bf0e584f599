"""A job whose process reports no system-call filter, as on a system without one."""

import naftiko_run.isolation.child as child

child.install_filter = lambda profile: False


def open_job(name):
    return lambda payload: b"ran " + payload
