package io.sluice.linux.unix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnixListenerTest {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  /** Sends "hello" with the descriptor of a file, and prints what comes back. */
  private static final String PASS_DESCRIPTOR =
      """
      import array, os, socket, sys
      s = socket.socket(socket.AF_UNIX)
      s.connect(sys.argv[1])
      files = array.array("i", [os.open(path, os.O_RDONLY) for path in sys.argv[2:]])
      s.sendmsg([b"hello"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
      sys.stdout.write(s.recv(64).decode())
      """;

  @TempDir private Path directory;

  private static long deadline() {
    return System.nanoTime() + PATIENCE.toNanos();
  }

  @Test
  void carriesBytesAndTheDescriptorOfANamespace() throws Exception {
    Path socket = directory.resolve("s");
    LinuxNetworkNamespaces namespaces = new LinuxNetworkNamespaces();
    try (UnixListener listener = UnixListener.open(socket, 4)) {
      Process client = passing(socket, "/proc/self/ns/net");
      try (UnixConnection connection = listener.accept().orElseThrow()) {
        ByteBuffer into = ByteBuffer.allocate(16);
        int got = connection.receive(into, deadline());
        OptionalInt passed = connection.takeDescriptor();
        connection.send(ByteBuffer.wrap("thanks".getBytes(StandardCharsets.UTF_8)), deadline());

        assertThat(got).isEqualTo(5);
        try (NetnsHandle handle = namespaces.adopt(passed.orElseThrow(), "passed");
            NetnsHandle here = namespaces.current()) {
          assertThat(handle.isSameAs(here)).isTrue();
        }
        assertThat(connection.takeDescriptor()).isEmpty();
        assertThat(connection.receive(into, deadline())).isEqualTo(-1);
      }
      assertThat(new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
          .isEqualTo("thanks");
    }
    assertThat(socket).doesNotExist();
  }

  @Test
  void refusesADescriptorThatIsNoNamespace() throws Exception {
    Path socket = directory.resolve("s");
    try (UnixListener listener = UnixListener.open(socket, 4)) {
      Process client = passing(socket, "/proc/self/status");
      try (UnixConnection connection = listener.accept().orElseThrow()) {
        connection.receive(ByteBuffer.allocate(16), deadline());
        int passed = connection.takeDescriptor().orElseThrow();

        assertThatExceptionOfType(LinuxException.class)
            .isThrownBy(() -> new LinuxNetworkNamespaces().adopt(passed, "what was passed"))
            .withMessageContaining("what was passed");
      }
      assertThat(client.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void closesDescriptorsThatNobodyTook() throws Exception {
    Path socket = directory.resolve("s");
    long before = openDescriptors();
    try (UnixListener listener = UnixListener.open(socket, 4)) {
      String file = "/proc/self/status";
      Process client = passing(socket, file, file, file, file, file, file);
      try (UnixConnection connection = listener.accept().orElseThrow()) {
        connection.receive(ByteBuffer.allocate(16), deadline());
      }
      assertThat(client.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
      client.destroy();
      client.getInputStream().close();
      client.getErrorStream().close();
      client.getOutputStream().close();
    }
    assertThat(openDescriptors()).isLessThanOrEqualTo(before);
  }

  @Test
  void aSilentClientMeetsTheDeadline() throws Exception {
    Path socket = directory.resolve("s");
    try (UnixListener listener = UnixListener.open(socket, 4);
        SocketChannel silent = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      assertThat(silent.connect(UnixDomainSocketAddress.of(socket))).isTrue();
      try (UnixConnection connection = listener.accept().orElseThrow()) {
        assertThatExceptionOfType(LinuxException.class)
            .isThrownBy(
                () -> connection.receive(ByteBuffer.allocate(1), System.nanoTime() + 50_000_000L))
            .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.ETIMEDOUT));
      }
    }
  }

  @Test
  void aClientThatDoesNotReadMeetsTheDeadline() throws Exception {
    Path socket = directory.resolve("s");
    try (UnixListener listener = UnixListener.open(socket, 4);
        SocketChannel deaf = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      assertThat(deaf.connect(UnixDomainSocketAddress.of(socket))).isTrue();
      try (UnixConnection connection = listener.accept().orElseThrow()) {
        assertThatExceptionOfType(LinuxException.class)
            .isThrownBy(() ->
                connection.send(ByteBuffer.allocate(4 << 20), System.nanoTime() + 100_000_000L))
            .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.ETIMEDOUT));
      }
    }
  }

  @Test
  void closingEndsTheWaitForConnections() {
    UnixListener listener = UnixListener.open(directory.resolve("s"), 4);
    CompletableFuture<Optional<UnixConnection>> waiting =
        CompletableFuture.supplyAsync(listener::accept, task -> Thread.ofPlatform().start(task));

    listener.close();

    assertThat(waiting.orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS).join()).isEmpty();
  }

  @Test
  void onlyItsOwnerMayConnectAndADeadSocketIsReplaced() throws IOException {
    Path socket = directory.resolve("s");
    Files.writeString(socket, "left behind");
    try (UnixListener _ = UnixListener.open(socket, 4)) {
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
          .isEqualTo("rw-------");
    }
  }

  @Test
  void oneThatClosesLeavesThePathToTheOneThatHasItNow() {
    Path socket = directory.resolve("s");
    UnixListener before = UnixListener.open(socket, 1);
    try (UnixListener _ = UnixListener.open(socket, 1)) {
      before.close();
      assertThat(socket).exists();
    }
    assertThat(socket).doesNotExist();
  }

  /** A file that went after the descriptor could be another listener's, by the same inode. */
  @RepeatedTest(50)
  void whoeverSeesItClosedFindsItsFileGone() {
    Path socket = directory.resolve("s");
    UnixListener listener = UnixListener.open(socket, 1);
    CompletableFuture<Boolean> accepting =
        gone(socket, () -> assertThat(listener.accept()).isEmpty());
    CompletableFuture<Boolean> closing = gone(socket, listener::close);
    listener.close();

    assertThat(socket).doesNotExist();
    assertThat(accepting.orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS).join()).isTrue();
    assertThat(closing.orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS).join()).isTrue();
  }

  private static CompletableFuture<Boolean> gone(Path socket, Runnable step) {
    return CompletableFuture.supplyAsync(
        () -> {
          step.run();
          return Files.notExists(socket);
        },
        task -> Thread.ofPlatform().start(task));
  }

  @Test
  void aPathThatDoesNotFitIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> UnixListener.open(directory.resolve("x".repeat(120)), 1))
        .withMessageContaining("longer than 107 bytes");
  }

  private static Process passing(Path socket, String... files) throws IOException {
    var command = new ArrayList<>(List.of("python3", "-c", PASS_DESCRIPTOR));
    command.add(socket.toString());
    command.addAll(List.of(files));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  private static long openDescriptors() throws IOException {
    try (var open = Files.list(Path.of("/proc/self/fd"))) {
      return open.count();
    }
  }
}
