import os

from anton.adapters.sandbox import supervisor


def test_a_parent_is_found_without_the_kernels_list_of_children() -> None:
    assert supervisor._parent(str(os.getpid())) == os.getppid()


def test_a_process_that_ended_meanwhile_has_no_parent() -> None:
    assert supervisor._parent("999999999") == 0
