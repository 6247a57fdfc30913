package io.sluice.linux.netns;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.sluice.linux.Commands;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.ScratchNetns;
import io.sluice.linux.socket.Sockets;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("kernel")
class NetworkNamespacesTest {
  @TempDir private Path directory;
  private final LinuxNetworkNamespaces namespaces = new LinuxNetworkNamespaces();

  private long inodeHere() {
    try (var here = namespaces.current()) {
      return here.inode();
    }
  }

  @Test
  void runsTheBodyInsideAndComesBack() throws Exception {
    long home = inodeHere();
    try (var ns = ScratchNetns.create();
        var handle = ns.open()) {
      assertThat(namespaces.callIn(handle, this::inodeHere)).isEqualTo(handle.inode());
      assertThat(handle.inode()).isNotEqualTo(home);
      assertThat(inodeHere()).isEqualTo(home);
    }
  }

  /** A path that was seen to be a mount needs no second look until the table says so. */
  @Test
  void whatIsMountedElsewhereIsToldByTheTableOfMounts() throws Exception {
    try (var table = new MountTable();
        var ns = ScratchNetns.create();
        var other = ScratchNetns.create();
        var handle = ns.open()) {
      assertThat(table.hasChanged()).as("both were mounted").isTrue();
      assertThat(namespaces.isMountedAt(ns.path(), handle)).isTrue();
      assertThat(namespaces.isMountedAt(other.path(), handle)).isFalse();
      Path link = Files.createSymbolicLink(directory.resolve("link"), ns.path());
      assertThat(namespaces.leadsTo(link, handle)).isTrue();
      assertThat(namespaces.isMountedAt(link, handle)).as("a link may be changed").isFalse();
      Path process = Path.of("/proc/self/ns/net");
      try (var here = namespaces.open(process)) {
        assertThat(namespaces.leadsTo(process, here)).isTrue();
        assertThat(namespaces.isMountedAt(process, here)).as("a process moves").isFalse();
      }
      while (table.hasChanged()) { // others mount something too
        Thread.onSpinWait();
      }

      Commands.run("mount", "--bind", other.path().toString(), ns.path().toString());

      try {
        assertThat(table.hasChanged()).as("one over the other").isTrue();
        assertThat(namespaces.isMountedAt(ns.path(), handle)).isFalse();
      } finally {
        Commands.run("umount", ns.path().toString());
      }
      assertThat(table.hasChanged()).as("that has gone").isTrue();
      assertThat(namespaces.isMountedAt(ns.path(), handle)).isTrue();
    }
  }

  @Test
  void comesBackAfterABodyThatFailsOrNests() throws Exception {
    long home = inodeHere();
    try (var ns = ScratchNetns.create();
        var other = ScratchNetns.create();
        var handle = ns.open();
        var inner = other.open()) {
      assertThatIOException()
          .isThrownBy(() ->
              namespaces.callIn(
                  handle,
                  () -> {
                    throw new IOException("from the body");
                  }));
      assertThat(inodeHere()).isEqualTo(home);
      assertThat(
              namespaces.callIn(
                  handle, () -> namespaces.callIn(inner, this::inodeHere) + inodeHere()))
          .isEqualTo(inner.inode() + handle.inode());
      assertThat(inodeHere()).isEqualTo(home);
    }
  }

  @Test
  void bringsEveryPoolThreadHomeAfterAThousandCalls() throws Exception {
    long home = inodeHere();
    try (var first = ScratchNetns.create();
        var second = ScratchNetns.create();
        var one = first.open();
        var two = second.open();
        var pool = Executors.newFixedThreadPool(16)) {
      var calls = new ArrayList<Future<Boolean>>();
      for (int i = 0; i < 1000; i++) {
        var handle = i % 2 == 0 ? one : two;
        calls.add(
            pool.submit(() -> namespaces.callIn(handle, () -> inodeHere() == handle.inode())));
      }
      for (var call : calls) {
        assertThat(call.get()).isTrue();
      }

      var allBusy = new CountDownLatch(16);
      var after = new ArrayList<Future<Long>>();
      for (int i = 0; i < 16; i++) {
        after.add(
            pool.submit(() -> {
              allBusy.countDown();
              allBusy.await();
              return inodeHere();
            }));
      }
      for (var inode : after) {
        assertThat(inode.get()).isEqualTo(home);
      }
    }
  }

  @Test
  void refusesVirtualThreads() throws Exception {
    try (var ns = ScratchNetns.create();
        var handle = ns.open();
        var virtual = Executors.newVirtualThreadPerTaskExecutor()) {
      assertThatExceptionOfType(ExecutionException.class)
          .isThrownBy(() -> virtual.submit(() -> namespaces.callIn(handle, () -> 1)).get())
          .withCauseInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void tellsTheCookieOnAnyThread() throws Exception {
    try (var ns = ScratchNetns.create();
        var handle = ns.open();
        var same = ns.open();
        var here = namespaces.current();
        var virtual = Executors.newVirtualThreadPerTaskExecutor()) {
      long cookie = virtual.submit(handle::cookie).get();

      assertThat(cookie).isPositive().isEqualTo(same.cookie()).isNotEqualTo(here.cookie());
      int socket = namespaces.callIn(handle, () -> Sockets.tcpSocket(Sockets.Family.IPV6));
      assertThat(Sockets.netnsCookie(socket)).isEqualTo(cookie);
      Sockets.close(socket);
    }
  }

  @Test
  void knowsTheSameNamespaceByAnotherPath() throws Exception {
    try (var self = namespaces.open(Path.of("/proc/self/ns/net"));
        var here = namespaces.current();
        var ns = ScratchNetns.create();
        var other = ns.open()) {
      assertThat(self.isSameAs(here)).isTrue();
      assertThat(self.isSameAs(other)).isFalse();
    }
  }

  @Test
  void saysWhatCouldNotBeOpened() throws Exception {
    assertThatExceptionOfType(LinuxException.class)
        .isThrownBy(() -> namespaces.open(Path.of("/run/netns/slxlin-absent")))
        .satisfies(e -> {
          assertThat(e.operation()).isEqualTo("open");
          assertThat(e.errno()).isEqualTo(Errno.ENOENT);
          assertThat(e.subject()).isEqualTo("/run/netns/slxlin-absent");
          assertThat(e.hint()).contains("namespace has gone");
        });
    for (var path : new String[] {"/etc/hostname", "/proc/self/ns/uts"}) {
      assertThatExceptionOfType(LinuxException.class)
          .isThrownBy(() -> namespaces.open(Path.of(path)))
          .satisfies(e -> {
            assertThat(e.errno()).isEqualTo(Errno.EINVAL);
            assertThat(e.hint()).contains("no network namespace");
          });
    }
  }

  /** Whoever names the path may name anything: a FIFO that nobody writes would hold us for ever. */
  @ParameterizedTest
  @ValueSource(strings = {"fifo", "regular", "loop", "directory", "link-to-fifo"})
  void aFileThatIsNoNamespaceIsRefusedAtOnce(String name) throws Exception {
    Path fifo = directory.resolve("fifo");
    assertThat(new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor()).isZero();
    Files.createFile(directory.resolve("regular"));
    Files.createDirectory(directory.resolve("directory"));
    Files.createSymbolicLink(directory.resolve("loop"), Path.of("loop"));
    Files.createSymbolicLink(directory.resolve("link-to-fifo"), fifo);
    long before = openFiles();
    var opening =
        CompletableFuture.supplyAsync(
            () -> namespaces.open(directory.resolve(name)),
            task -> Thread.ofPlatform().daemon().start(task));
    try {
      assertThat(opening)
          .failsWithin(Duration.ofSeconds(10))
          .withThrowableOfType(ExecutionException.class)
          .havingCause()
          .isInstanceOfSatisfying(
              LinuxException.class, e -> assertThat(e.errno()).isIn(Errno.EINVAL, Errno.ELOOP));
      assertThat(openFiles()).isLessThanOrEqualTo(before);
    } finally {
      new RandomAccessFile(fifo.toFile(), "rw").close(); // lets go of an opening that waits
    }
  }

  @Test
  void refusesAClosedHandle() throws Exception {
    var handle = namespaces.current();
    handle.close();

    assertThatIllegalStateException().isThrownBy(() -> namespaces.callIn(handle, () -> 1));
  }

  @Test
  void servesVirtualThreadsThroughItsOwnThread() throws Exception {
    try (var ns = ScratchNetns.create();
        var handle = ns.open();
        var thread = new NetnsThread("netns-test", namespaces, 4)) {
      var inode = thread.submit(handle, this::inodeHere);
      var failed =
          thread.submit(
              handle,
              () -> {
                throw new IOException("from the body");
              });

      assertThat(inode.get(5, TimeUnit.SECONDS)).isEqualTo(handle.inode());
      assertThatExceptionOfType(ExecutionException.class)
          .isThrownBy(() -> failed.get(5, TimeUnit.SECONDS))
          .withCauseInstanceOf(IOException.class);
    }
  }

  @Test
  void leavesNoDescriptorBehind() throws Exception {
    try (var ns = ScratchNetns.create();
        var handle = ns.open()) {
      namespaces.callIn(handle, () -> 1);
      long before = openFiles();
      for (int i = 0; i < 200; i++) {
        namespaces.callIn(handle, () -> 1);
        ns.open().close();
      }

      assertThat(openFiles()).isLessThan(before + 50);
    }
  }

  @Test
  void knowsWhatWasMadeInsideAnotherUserNamespace() throws Exception {
    Process inside =
        new ProcessBuilder("unshare", "--user", "--net", "sh", "-c", "echo made; exec sleep 600")
            .start();
    try (var ns = ScratchNetns.create();
        var byNode = ns.open();
        var told = inside.inputReader()) {
      assertThat(told.readLine()).isEqualTo("made");
      long before = openFiles();
      try (var byContainer =
          namespaces.open(Path.of("/proc", Long.toString(inside.pid()), "ns/net"))) {
        assertThat(namespaces.isMadeByNode(byNode)).isTrue();
        assertThat(namespaces.isMadeByNode(byContainer)).isFalse();
      }
      assertThat(openFiles()).isLessThanOrEqualTo(before);
    } finally {
      inside.destroyForcibly();
    }
  }

  private static long openFiles() throws IOException {
    try (var files = Files.list(Path.of("/proc/self/fd"))) {
      return files.count();
    }
  }
}
