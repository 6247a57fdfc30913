package io.sluice.cni;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cni.Invocation.Outcome;
import java.io.BufferedReader;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The namespace's descriptor comes with the first byte. The JDK cannot receive descriptors, so the
 * daemon is a Python script, which answers with what it got.
 */
class DescriptorPassingTest {
  @TempDir Path directory;

  private @Nullable Process daemon;

  @BeforeEach
  void startDaemon() throws Exception {
    Path script = directory.resolve("daemon.py");
    try (InputStream in = getClass().getResourceAsStream("receive_descriptor.py")) {
      Files.copy(java.util.Objects.requireNonNull(in, "receive_descriptor.py"), script);
    }
    Process process =
        new ProcessBuilder("python3", script.toString(), Config.socket(directory).toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    daemon = process;
    BufferedReader lines = process.inputReader(StandardCharsets.UTF_8);
    assertThat(lines.readLine()).isEqualTo("ready");
  }

  @AfterEach
  void endDaemon() {
    if (daemon != null) {
      daemon.destroyForcibly();
    }
  }

  /** The client opens whatever namespace is named, so kinds stand for different namespaces here. */
  @ParameterizedTest
  @CsvSource({"ADD, net", "ADD, uts", "ADD, ipc"})
  void namespaceOfTheVariableIsTheOneThatArrives(String command, String kind) throws Exception {
    Path namespace = Path.of("/proc/self/ns", kind);
    Outcome outcome =
        Invocation.of(command)
            .with("CNI_NETNS", namespace.toString())
            .with(Config.in(directory))
            .run();

    Object inode = Files.getAttribute(namespace, "unix:ino");
    assertThat(outcome.text()).isEqualTo("{\"inodes\":[" + inode + "],\"later\":0}");
  }

  @Test
  void requestOfManyPartsCarriesTheDescriptorOnce() throws Exception {
    Config large = Config.in(directory).with("padding", "\"" + "p".repeat(900_000) + "\"");
    Outcome outcome = Invocation.of("ADD").with(large).run();

    Object inode = Files.getAttribute(Path.of(Invocation.NAMESPACE), "unix:ino");
    assertThat(outcome.text()).isEqualTo("{\"inodes\":[" + inode + "],\"later\":0}");
  }

  @Test
  void checkCarriesItAsWell() throws Exception {
    // A failure, since CHECK prints nothing on success.
    Outcome outcome =
        Invocation.of("CHECK").with(Config.in(directory).with("name", "\"fail\"")).run();

    Object inode = Files.getAttribute(Path.of(Invocation.NAMESPACE), "unix:ino");
    assertThat(outcome.exitStatus()).isEqualTo(1);
    assertThat(outcome.text()).isEqualTo("{\"inodes\":[" + inode + "],\"later\":0}");
  }

  @ParameterizedTest
  @ValueSource(strings = {"DEL", "GC"})
  void othersCarryNone(String command) throws Exception {
    Outcome outcome = Invocation.of(command).with(Config.in(directory)).run();

    assertThat(outcome.exitStatus()).isZero();
    Path seen = directory.resolve("cni.sock.seen");
    assertThat(Files.readString(seen)).isEqualTo("{\"inodes\":[],\"later\":0}");
  }
}
