package io.sluice.linux.bpf;

import io.sluice.linux.Commands;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** Compiles a file of {@code src/test/bpf}. */
final class TestObject {
  private static final Path SOURCES = Path.of("src/test/bpf");
  private static final Map<String, byte[]> COMPILED = new HashMap<>();

  private TestObject() {}

  static synchronized byte[] compile(Path directory, String source)
      throws IOException, InterruptedException {
    byte[] known = COMPILED.get(source);
    if (known != null) {
      return known.clone();
    }
    Path object = directory.resolve(source + ".o");
    Commands.run(
        "clang",
        "-O2",
        "-g",
        "-Wall",
        "-Werror",
        "-target",
        "bpf",
        "-mcpu=v2",
        "-I/usr/include/" + System.getProperty("os.arch").replace("amd64", "x86_64") + "-linux-gnu",
        "-c",
        SOURCES.resolve(source).toString(),
        "-o",
        object.toString());
    byte[] compiled = Files.readAllBytes(object);
    COMPILED.put(source, compiled);
    return compiled.clone();
  }
}
