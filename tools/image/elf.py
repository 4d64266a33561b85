"""What an ELF file asks for: its machine, its loader, the libraries it names. Nothing is executed, so a file
of another architecture is read as well. Little-endian, 64 bits: what Kubernetes runs on."""
import pathlib
import struct

# e_machine -> (OCI architecture, Debian's triplet)
MACHINES = {62: ("amd64", "x86_64-linux-gnu"), 183: ("arm64", "aarch64-linux-gnu")}
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NEEDED, DT_STRTAB, DT_RPATH, DT_RUNPATH = 1, 5, 15, 29


class Elf:
    """architecture, triplet, interpreter ("" = none) and needed, in the file's order."""

    def __init__(self, path):
        data = pathlib.Path(path).read_bytes()
        if data[:4] != b"\x7fELF" or data[4:6] != b"\x02\x01":
            raise ValueError(f"{path} is not a 64-bit little-endian ELF file")
        machine = struct.unpack_from("<H", data, 18)[0]
        if machine not in MACHINES:
            raise ValueError(f"{path} is for ELF machine {machine}; known are {sorted(MACHINES)}: add it to MACHINES")
        self.architecture, self.triplet = MACHINES[machine]
        self.interpreter = ""
        self.needed = []
        table, = struct.unpack_from("<Q", data, 32)
        size, count = struct.unpack_from("<HH", data, 54)
        loads, dynamic = [], None
        for i in range(count):
            kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", data, table + i * size)
            if kind == PT_LOAD:
                loads.append((address, offset, length))
            elif kind == PT_DYNAMIC:
                dynamic = (offset, length)
            elif kind == PT_INTERP:
                self.interpreter = data[offset:offset + length].rstrip(b"\0").decode()
        if dynamic is not None:
            self._read_dynamic(path, data, loads, *dynamic)

    def _read_dynamic(self, path, data, loads, offset, length):
        entries = [struct.unpack_from("<qQ", data, at) for at in range(offset, offset + length, 16)]
        if any(tag in (DT_RPATH, DT_RUNPATH) for tag, _ in entries):
            raise ValueError(f"{path} looks for libraries in a folder of its own (RPATH): install it first")
        strings = next((value for tag, value in entries if tag == DT_STRTAB), None)
        if strings is None:
            return
        start = next(strings - address + place for address, place, size in loads if address <= strings < address + size)
        for tag, value in entries:
            if tag == DT_NEEDED:
                self.needed.append(data[start + value:data.index(b"\0", start + value)].decode())


def libraries(programs, root):
    """{name: file} of all that the programs need, their libraries' needs included; found below root."""
    root = pathlib.Path(root)
    found = {}
    waiting = [Elf(program) for program in programs]
    triplet = waiting[0].triplet
    while waiting:
        for name in waiting.pop().needed:
            if name in found:
                continue
            places = [root / "usr/lib" / triplet / name, root / "lib" / triplet / name, root / "usr/lib" / name]
            file = next((place for place in places if place.exists()), None)
            if file is None:
                raise FileNotFoundError(f"{name} is in none of {', '.join(str(place.parent) for place in places)}")
            found[name] = file
            waiting.append(Elf(file))
    return found
