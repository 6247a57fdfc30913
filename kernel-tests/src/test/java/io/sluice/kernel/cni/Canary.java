package io.sluice.kernel.cni;

import io.sluice.architecture.SourceTree;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.StringJoiner;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * A program without a library that sends a word from its very first instruction, over TCP and UDP,
 * IPv4 and IPv6, to one machine.
 */
final class Canary {
  private static final int PATIENCE_SECONDS = 20;

  /** By whom it calls; each lies where clang has written it until this JVM ends. */
  private static final Map<List<Object>, Canary> COMPILED = new ConcurrentHashMap<>();

  private final Path program;

  private Canary(Path program) {
    this.program = program;
  }

  /** One that calls {@code listener}. */
  static Canary calling(SitePod listener, int port) {
    return COMPILED.computeIfAbsent(
        List.of(listener.address(Family.IPV4), listener.address(Family.IPV6), port),
        _ -> compile(listener, port));
  }

  private static Canary compile(SitePod listener, int port) {
    Path client = SourceTree.around().root().resolve("cni-plugin/src/client");
    Path program;
    Path source;
    try (InputStream in = Canary.class.getResourceAsStream("canary.c")) {
      Path directory = Files.createTempDirectory("slcanary");
      program = directory.resolve("canary");
      source = directory.resolve("canary.c");
      List.of(directory, program, source).forEach(each -> each.toFile().deleteOnExit());
      Files.write(source, Objects.requireNonNull(in).readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    StringJoiner address6 = new StringJoiner(",", "{", "}");
    for (byte b : listener.address(Family.IPV6).getAddress()) {
      address6.add(Integer.toString(b & 0xff));
    }
    int address4 = ByteBuffer.wrap(listener.address(Family.IPV4).getAddress()).getInt();
    Commands.run(
        "clang",
        "-O1",
        "-ffreestanding",
        "-nostdlib",
        "-static",
        "-fno-stack-protector",
        "-fuse-ld=lld",
        "-I" + client,
        "-DPORT=" + port,
        "-DADDRESS4=" + Integer.toUnsignedString(address4) + "u",
        "-DADDRESS6=" + address6,
        "-o",
        program.toString(),
        source.toString(),
        client.resolve("start.c").toString());
    return new Canary(program);
  }

  Path program() {
    return program;
  }

  /** Runs it in a namespace to its end. */
  void sing(SitePod inside, String word) {
    Process process = inside.start("env", "-i", "CANARY=" + word, program.toString());
    try {
      if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
        process.destroyForcibly();
        throw new AssertionError("the canary in " + inside.netns() + " died");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
