package io.sluice.linux.bpf;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import org.jspecify.annotations.Nullable;

/**
 * The functions of libbpf 1.x in use, bound directly. Functions that return an int give a negated
 * error number; those that return a pointer give NULL and leave the number in errno.
 *
 * <p>Where JNA finds its own library and libbpf is set from outside, by {@code
 * jna.boot.library.path}, {@code jna.nounpack} and {@code jna.library.path}.
 */
final class Libbpf {
  private static final String LIBRARY = "libbpf.so.1";
  private static final String SYSTEM_PATH = "jna.platform.library.path";

  /** Why the library is missing, or null; kept, because a class initialiser runs once only. */
  private static final @Nullable LinuxException UNAVAILABLE = bind();

  private Libbpf() {}

  /** Call before any other function. @throws LinuxException ENOENT when libbpf cannot be used */
  static void require() {
    if (UNAVAILABLE != null) {
      throw UNAVAILABLE;
    }
  }

  static native @Nullable Pointer bpf_object__open_mem(Pointer elf, long bytes, Pointer options);

  static native int bpf_object__load(Pointer object);

  static native void bpf_object__close(Pointer object);

  static native @Nullable Pointer bpf_object__find_map_by_name(Pointer object, String name);

  static native @Nullable Pointer bpf_object__next_map(Pointer object, @Nullable Pointer previous);

  static native int bpf_map__fd(Pointer map);

  static native String bpf_map__name(Pointer map);

  static native int bpf_map__reuse_fd(Pointer map, int fd);

  static native @Nullable Pointer bpf_map__initial_value(Pointer map, Pointer size);

  static native @Nullable Pointer bpf_object__find_program_by_name(Pointer object, String name);

  static native @Nullable Pointer bpf_object__next_program(
      Pointer object, @Nullable Pointer previous);

  static native int bpf_program__fd(Pointer program);

  static native String bpf_program__name(Pointer program);

  static native int bpf_program__set_log_buf(Pointer program, @Nullable Pointer log, long bytes);

  static native int bpf_link_create(
      int program, int target, int attachType, @Nullable Pointer opts);

  static native int bpf_link_update(int link, int program, @Nullable Pointer options);

  static native int bpf_obj_pin(int fd, String path);

  static native int bpf_obj_get(String path);

  private static native @Nullable Pointer libbpf_set_print(@Nullable Pointer function);

  private static @Nullable LinuxException bind() {
    // Else JNA runs ldconfig to learn where libraries are, which dlopen(3) knows by itself.
    if (System.getProperty(SYSTEM_PATH) == null) {
      System.setProperty(SYSTEM_PATH, "");
    }
    try {
      Native.register(LIBRARY);
      // Silence: what it would print on standard error, the exceptions of this package say better.
      libbpf_set_print(null);
      return null;
    } catch (LinkageError e) {
      return new LinuxException(
          "dlopen",
          Errno.ENOENT,
          LIBRARY,
          "install libbpf 1.0 or newer, or name its directory in -Djna.library.path; with a read-only"
              + " or noexec temporary directory also set -Djna.boot.library.path and"
              + " -Djna.nounpack=true ("
              + e.getMessage()
              + ")");
    }
  }
}
