package io.sluice.lab.site;

import java.util.List;

/** Ways of starting a program so that the kernel refuses it eBPF and nothing else. */
public enum Confinement {
  /** None. */
  NONE(),

  /** bpf(2) is not permitted, as under a seccomp profile of a container runtime. */
  NO_BPF_CALLS("python3", "-c", Confinement.SECCOMP),

  /** Programs load, but nothing can be pinned: the BPF file system is read-only. */
  NO_PINS(
      "unshare",
      "--mount",
      "--propagation",
      "slave",
      "sh",
      "-c",
      "mount -t bpf -o ro none /sys/fs/bpf && exec \"$@\"",
      "sh"),

  /** Everything works, and a test may change what the daemon sees mounted, and only the daemon. */
  OWN_MOUNTS(
      "unshare",
      "--mount",
      "--propagation",
      "slave",
      "sh",
      "-c",
      "mount --bind /sys/fs/bpf /sys/fs/bpf && exec \"$@\"",
      "sh");

  /** A filter of four instructions: load the call's number, compare, EPERM or allow. */
  private static final String SECCOMP =
      """
      import ctypes, os, platform, struct, sys
      number = {"x86_64": 321, "aarch64": 280}[platform.machine()]
      code = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (6, 0, 0, 0x50001), (6, 0, 0, 0x7fff0000)]
      text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
      program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(code), ctypes.addressof(text)))
      if ctypes.CDLL(None, use_errno=True).prctl(22, 2, program, 0, 0) != 0:
          sys.exit("no seccomp filter: " + os.strerror(ctypes.get_errno()))
      os.execvp(sys.argv[1], sys.argv[1:])
      """;

  private final List<String> prefix;

  Confinement(String... prefix) {
    this.prefix = List.of(prefix);
  }

  /** Goes before the words of the command; the process id stays the same. */
  public List<String> prefix() {
    return prefix;
  }
}
