"""The filter is run by a small interpreter here, so that it is tested for machines that this one is not."""

import errno
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.adapters.sandbox.seccomp import MACHINES, Machine, Sockets, filter_program

ALLOW, KILL = "allow", "kill"
I386 = 0x40000003
OTHERS = {
    "x86_64": {"read": 0, "execve": 59, "socketpair": 53},
    "aarch64": {"read": 63, "execve": 221, "socketpair": 199},
}


def verdict(program: bytes, arch: int, number: int, *arguments: int) -> str:
    """What the kernel would do, by linux/filter.h, as the name of an error, ALLOW or KILL."""
    padded = (*arguments, *(0,) * (6 - len(arguments)))
    memory = struct.pack("<IIQ6Q", number, arch, 0, *padded)
    steps = list(struct.iter_unpack("<HBBI", program))
    accumulator = at = 0
    while True:
        code, if_true, if_false, operand = steps[at]
        at += 1
        match code:
            case 0x20:
                (accumulator,) = struct.unpack_from("<I", memory, operand)
            case 0x05:
                at += operand
            case 0x15:
                at += if_true if accumulator == operand else if_false
            case 0x35:
                at += if_true if accumulator >= operand else if_false
            case 0x45:
                at += if_true if accumulator & operand else if_false
            case 0x06:
                named = {0x7FFF0000: ALLOW, 0x80000000: KILL}
                return named.get(operand) or errno.errorcode[operand & 0xFFFF]
            case _:
                pytest.fail(f"unknown code {code:#x}")


@pytest.fixture(params=MACHINES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def machine(name: str) -> Machine:
    return MACHINES[name]


@pytest.fixture(params=Sockets)
def sockets(request: pytest.FixtureRequest) -> Sockets:
    return Sockets(request.param)


def judge(machine: Machine, sockets: Sockets, number: int, *arguments: int) -> str:
    return verdict(filter_program(machine, sockets), machine.audit_arch, number, *arguments)


def test_what_any_program_needs_is_allowed(name: str, machine: Machine, sockets: Sockets) -> None:
    assert {judge(machine, sockets, number) for number in OTHERS[name].values()} == {ALLOW}


@pytest.mark.parametrize(
    "call",
    [
        "unshare",
        "setns",
        "mount",
        "ptrace",
        "process_vm_readv",
        "io_uring_setup",
        "bpf",
        "keyctl",
        "finit_module",
    ],
)
def test_what_widens_the_sandbox_is_refused(machine: Machine, sockets: Sockets, call: str) -> None:
    assert judge(machine, sockets, machine.numbers[call]) == "EPERM"


@pytest.mark.parametrize(
    ("flags", "expected"), [(0x11, ALLOW), (0x3D0F00, ALLOW), (0x10000011, "EPERM"), (0x40000000, "EPERM")]
)
def test_processes_and_threads_are_allowed_and_namespaces_refused(
    machine: Machine, sockets: Sockets, flags: int, expected: str
) -> None:
    assert judge(machine, sockets, machine.numbers["clone"], flags) == expected


def test_clone3_is_said_not_to_exist(machine: Machine, sockets: Sockets) -> None:
    assert judge(machine, sockets, machine.numbers["clone3"]) == "ENOSYS"


@pytest.mark.parametrize(
    ("request_code", "expected"), [(0x5401, ALLOW), (0x5412, "EPERM"), (0x541C, "EPERM")]
)
def test_nothing_can_be_typed_into_the_terminal(
    machine: Machine, sockets: Sockets, request_code: int, expected: str
) -> None:
    assert judge(machine, sockets, machine.numbers["ioctl"], 0, request_code) == expected
    assert judge(machine, sockets, machine.numbers["ioctl"], 0, request_code | 1 << 32) == expected


@pytest.mark.parametrize("family", [socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK])
def test_sockets_are_for_those_with_a_network_of_their_own(machine: Machine, family: int) -> None:
    number = machine.numbers["socket"]
    assert judge(machine, Sockets.OWN_NETWORK, number, family) == ALLOW
    assert judge(machine, Sockets.NONE, number, family) == "EPERM"


def test_a_command_that_fetches_has_the_network_but_no_other_program(machine: Machine) -> None:
    number = machine.numbers["socket"]
    for family in (socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK):
        assert judge(machine, Sockets.HOST_NETWORK, number, family) == ALLOW
    assert judge(machine, Sockets.HOST_NETWORK, number, socket.AF_UNIX) == "EAFNOSUPPORT"
    assert judge(machine, Sockets.HOST_NETWORK, machine.numbers["shmget"]) == "EPERM"


@pytest.mark.parametrize("family", [16 + 1, 38, 40, 44])
def test_packet_crypto_vm_and_express_sockets_are_for_nobody(machine: Machine, family: int) -> None:
    assert judge(machine, Sockets.OWN_NETWORK, machine.numbers["socket"], family) == "EAFNOSUPPORT"


@pytest.mark.parametrize("call", ["shmget", "shmat", "semget", "msgget", "mq_open"])
def test_shared_memory_is_for_those_with_a_namespace_for_it(machine: Machine, call: str) -> None:
    assert judge(machine, Sockets.OWN_NETWORK, machine.numbers[call]) == ALLOW
    assert judge(machine, Sockets.NONE, machine.numbers[call]) == "EPERM"


def test_limits_of_other_processes_are_out_of_reach_without_a_namespace(machine: Machine) -> None:
    assert judge(machine, Sockets.NONE, machine.numbers["prlimit64"], 0) == ALLOW
    assert judge(machine, Sockets.NONE, machine.numbers["prlimit64"], 4711) == "EPERM"


def test_another_architecture_ends_the_process(machine: Machine, sockets: Sockets) -> None:
    assert verdict(filter_program(machine, sockets), I386, 1) == KILL


def test_the_x32_variant_of_x86_64_is_said_not_to_exist(sockets: Sockets) -> None:
    machine = MACHINES["x86_64"]
    assert judge(machine, sockets, 0x40000000 | machine.numbers["socket"]) == "ENOSYS"


@given(number=st.integers(0, 2**32 - 1), arguments=st.lists(st.integers(0, 2**64 - 1), max_size=6))
def test_every_call_comes_to_a_verdict(number: int, arguments: list[int]) -> None:
    for machine in MACHINES.values():
        for sockets in Sockets:
            assert judge(machine, sockets, number, *arguments) in (ALLOW, "EPERM", "ENOSYS", "EAFNOSUPPORT")
