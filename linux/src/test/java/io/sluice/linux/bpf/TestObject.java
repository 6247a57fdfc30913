package io.sluice.linux.bpf;

import io.sluice.linux.Commands;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Compiles a file of {@code src/test/bpf}. */
final class TestObject {
  private static final Path SOURCES = Path.of("src/test/bpf");

  private TestObject() {}

  static byte[] compile(Path directory, String source) throws IOException, InterruptedException {
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
    return Files.readAllBytes(object);
  }
}
