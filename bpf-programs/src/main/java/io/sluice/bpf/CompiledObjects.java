package io.sluice.bpf;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** Object files in this jar. */
public final class CompiledObjects {
  /** Name of the object that creates the shared maps and holds no program. */
  public static final String MAPS = "maps";

  private CompiledObjects() {}

  /** Bytes of {@code <name>.bpf.o}; throws {@link IllegalStateException} when the jar lacks it. */
  public static byte[] read(String name) {
    try (InputStream in = CompiledObjects.class.getResourceAsStream(name + ".bpf.o")) {
      if (in == null) {
        throw new IllegalStateException(
            "this build holds no program object " + name + ".bpf.o; rebuild bpf-programs");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read program object " + name, e);
    }
  }
}
