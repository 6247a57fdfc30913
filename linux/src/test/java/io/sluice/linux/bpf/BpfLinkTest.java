package io.sluice.linux.bpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.ScratchCgroup;
import io.sluice.linux.ScratchNetns;
import io.sluice.linux.cgroup.Cgroups;
import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.socket.Sockets;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("kernel")
class BpfLinkTest {
  private static final Path PINS = Path.of("/sys/fs/bpf/slxlin-test");
  private static final int CONNECT = AttachType.CGROUP_INET4_CONNECT.number();
  private static final int LOOKUP = AttachType.SK_LOOKUP.number();

  @TempDir static Path directory;

  /** A record of {@code report_connect}. */
  private record Report(int bytes, long cookie, short port, int last) {
    static Report of(ByteBuffer sample) {
      return new Report(
          sample.remaining(),
          sample.getLong(0),
          Short.reverseBytes(sample.getShort(8)),
          sample.getInt(12));
    }
  }

  private BpfObject object;
  private Path pin;

  @BeforeEach
  void load() throws Exception {
    BpfFs.ensureMounted(Path.of("/sys/fs/bpf"));
    Files.createDirectories(PINS);
    pin = PINS.resolve("link" + Long.toHexString(ThreadLocalRandom.current().nextLong()));
    object = BpfObject.open(TestObject.compile(directory, "maps.bpf.c"), "maps");
    object.load();
  }

  @AfterEach
  void close() throws Exception {
    object.close();
    Files.deleteIfExists(pin);
    Files.deleteIfExists(PINS);
  }

  /** Gives {@code sample} each record until {@code ending} is told. */
  private static Thread following(
      BpfMapFd events, Consumer<ByteBuffer> sample, RingBuffer.Ending ending) {
    return Thread.ofPlatform().daemon().start(() -> RingBuffer.follow(events, sample, ending));
  }

  private static Errno connectTo(int port) {
    int fd = Sockets.socket(Sockets.Family.IPV4.domain(), Sockets.SOCK_STREAM, 0);
    try {
      Sockets.connect(fd, new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port));
      return Errno.UNKNOWN;
    } catch (LinuxException e) {
      return e.errno();
    } finally {
      Sockets.close(fd);
    }
  }

  @Test
  void reportsConnectsThroughTheRingBufferAndCounters() throws Exception {
    try (var cgroup = ScratchCgroup.create();
        var program = object.program("report_connect");
        var events = object.map("events");
        var link = BpfLink.attachCgroup(program, cgroup.path(), CONNECT);
        var counters = object.map("counters");
        var perNetns = object.map("per_netns");
        var here = new LinuxNetworkNamespaces().current();
        var ending = new RingBuffer.Ending()) {
      var seen = new LinkedBlockingQueue<Report>();
      Thread follower = following(events, sample -> seen.add(Report.of(sample)), ending);

      cgroup.inside(() -> connectTo(9));
      cgroup.inside(() -> connectTo(9));

      Report expected = new Report(16, here.cookie(), (short) 9, 7);
      assertThat(seen.poll(30, TimeUnit.SECONDS)).isEqualTo(expected);
      assertThat(seen.poll(30, TimeUnit.SECONDS)).isEqualTo(expected);
      ending.tell();
      assertThat(follower.join(Duration.ofSeconds(30))).isTrue();
      assertThat(seen).isEmpty();
      var sums = new PerCpuBpfMap<>(counters, MapCodec.u32());
      assertThat(sums.sums(0)).containsExactly(2, 20);
      var all = new HashMap<Integer, Long>();
      sums.forEachSum(all::put);
      assertThat(all).hasSize(4).containsEntry(0, 2L).containsEntry(1, 0L);
      assertThat(new PerCpuBpfMap<>(perNetns, MapCodec.u64()).sum(here.cookie())).isEqualTo(2);
      assertThat(link.info().cgroupId()).isEqualTo(Cgroups.id(cgroup.path()));
    }
  }

  @Test
  void whoFollowsTheRingBufferHearsOfEachRecordAndOfTheEnd() throws Exception {
    try (var cgroup = ScratchCgroup.create();
        var program = object.program("report_connect");
        var events = object.map("events");
        var link = BpfLink.attachCgroup(program, cgroup.path(), CONNECT);
        var ending = new RingBuffer.Ending()) {
      var seen = new Semaphore(0);
      var failure = new AtomicReference<Throwable>();
      Thread follower =
          Thread.ofPlatform()
              .daemon()
              .uncaughtExceptionHandler((_, thrown) -> failure.set(thrown))
              .start(() -> RingBuffer.follow(events, _ -> seen.release(), ending));
      for (int i = 0; i < 3; i++) { // each of them wakes it
        cgroup.inside(() -> connectTo(9));
        assertThat(seen.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
      }
      assertThat(link.info().cgroupId()).isEqualTo(Cgroups.id(cgroup.path()));

      ending.tell();

      assertThat(follower.join(Duration.ofSeconds(30))).isTrue();
      assertThat(failure).hasNullValue();
    }
  }

  @Test
  void readsTheRingBufferRoundTheEnd() throws Exception {
    try (var cgroup = ScratchCgroup.create();
        var program = object.program("report_connect");
        var events = object.map("events");
        var link = BpfLink.attachCgroup(program, cgroup.path(), CONNECT);
        var ending = new RingBuffer.Ending()) {
      // 48 bytes per connect, one record and one discarded: 6000 of them pass the end of 256 KiB.
      var seen = new Semaphore(0);
      Thread follower = following(events, _ -> seen.release(), ending);
      cgroup.inside(() -> {
        for (int i = 0; i < 6000; i++) {
          connectTo(9);
        }
      });

      assertThat(seen.tryAcquire(6000, 30, TimeUnit.SECONDS)).isTrue();
      ending.tell();
      assertThat(follower.join(Duration.ofSeconds(30))).isTrue();
      assertThat(seen.availablePermits()).isZero();
      assertThat(link.info().programId()).isEqualTo(program.id());
    }
  }

  @Test
  void staysAttachedWhilePinnedAndSwapsItsProgram() throws Exception {
    try (var cgroup = ScratchCgroup.create();
        var report = object.program("report_connect");
        var refuse = object.program("refuse_connect")) {
      var link = BpfLink.attachCgroup(refuse, cgroup.path(), CONNECT);
      link.pin(pin);
      link.close();
      cgroup.inside(() -> assertThat(connectTo(9)).isEqualTo(Errno.EPERM));

      try (var opened = BpfLink.openPinned(pin)) {
        assertThat(opened.info().programId()).isEqualTo(refuse.id());
        opened.update(report);
        assertThat(opened.info().programId()).isEqualTo(report.id());
        cgroup.inside(() -> assertThat(connectTo(9)).isEqualTo(Errno.ECONNREFUSED));
        opened.update(refuse);
        cgroup.inside(() -> assertThat(connectTo(9)).isEqualTo(Errno.EPERM));
        opened.detach();
        cgroup.inside(() -> assertThat(connectTo(9)).isEqualTo(Errno.ECONNREFUSED));
      }
    }
  }

  @Test
  void steersConnectionsOfANamespaceIntoASlot() throws Exception {
    var namespaces = new LinuxNetworkNamespaces();
    try (var ns = ScratchNetns.create();
        var handle = ns.open();
        var program = object.program("steer");
        var slotsFd = object.map("slots");
        var link = BpfLink.attachNetns(program, handle, LOOKUP)) {
      var slots = new SocketMap(slotsFd);
      assertThat(link.info().netnsInode()).isEqualTo(handle.inode());
      assertThat(namespaces.callIn(handle, () -> connectTo(4242))).isEqualTo(Errno.ECONNREFUSED);

      int listener =
          namespaces.callIn(
              handle, () -> Sockets.listenTcp(InetAddress.ofLiteral("127.0.0.1"), 0, 8));
      slots.put(0, listener);

      assertThat(namespaces.callIn(handle, () -> connectTo(4242))).isEqualTo(Errno.UNKNOWN);
      int accepted = Sockets.accept(listener).orElseThrow();
      assertThat(Sockets.localAddress(accepted).getPort()).isEqualTo(4242);
      Sockets.close(accepted);
      Sockets.close(listener);
    }
  }

  @Test
  void editsSettingsBeforeLoading() throws Exception {
    try (var cgroup = ScratchCgroup.create();
        var strict = BpfObject.open(TestObject.compile(directory, "maps.bpf.c"), "strict")) {
      strict.variable("refused_port_be", Short.reverseBytes((short) 9));
      strict.load();
      try (var program = strict.program("report_connect");
          var link = BpfLink.attachCgroup(program, cgroup.path(), CONNECT)) {
        cgroup.inside(() -> assertThat(connectTo(9)).isEqualTo(Errno.EPERM));
        cgroup.inside(() -> assertThat(connectTo(10)).isEqualTo(Errno.ECONNREFUSED));
        assertThat(link.info().programId()).isPositive();
      }
    }
  }

  @Test
  void pinsAndReopensMaps() throws Exception {
    try (var map = object.map("array")) {
      map.pin(pin);
      new BpfMap<>(map, MapCodec.u32(), MapCodec.u64()).put(1, 99L);

      try (var opened = BpfMapFd.openPinned(pin)) {
        assertThat(opened.info()).isEqualTo(map.info());
        assertThat(new BpfMap<>(opened, MapCodec.u32(), MapCodec.u64()).lookup(1)).contains(99L);
      }
      assertThatExceptionOfType(LinuxException.class)
          .isThrownBy(() -> map.pin(pin))
          .satisfies(e -> {
            assertThat(e.operation()).isEqualTo("bpf(OBJ_PIN)");
            assertThat(e.errno()).isEqualTo(Errno.EEXIST);
            assertThat(e.subject()).contains("map array").contains(pin.toString());
            assertThat(e.hint()).isNotEmpty();
          });
    }
  }

  @Test
  void saysWhatCouldNotBeOpenedOrAttached() throws Exception {
    assertThatExceptionOfType(LinuxException.class)
        .isThrownBy(() -> BpfLink.openPinned(PINS.resolve("absent")))
        .satisfies(e -> {
          assertThat(e.operation()).isEqualTo("bpf(OBJ_GET)");
          assertThat(e.errno()).isEqualTo(Errno.ENOENT);
          assertThat(e.hint()).contains("restart the daemon");
        });
    try (var cgroup = ScratchCgroup.create();
        var program = object.program("steer")) {
      assertThatExceptionOfType(LinuxException.class)
          .isThrownBy(() -> BpfLink.attachCgroup(program, cgroup.path(), CONNECT))
          .satisfies(e -> {
            assertThat(e.operation()).isEqualTo("bpf(LINK_CREATE)");
            assertThat(e.errno()).isEqualTo(Errno.EINVAL);
            assertThat(e.subject()).contains("program steer");
          });
      assertThatExceptionOfType(LinuxException.class)
          .isThrownBy(() -> BpfLink.attachCgroup(program, cgroup.path().resolve("gone"), CONNECT))
          .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT));
    }
  }

  @Test
  void listsTheProgramsAtAHook() throws Exception {
    try (var ns = ScratchNetns.create();
        var handle = ns.open();
        var steer = object.program("steer")) {
      assertThat(AttachedPrograms.toNetns(handle, AttachType.SK_LOOKUP)).isEmpty();
      try (var link = BpfLink.attachNetns(steer, handle, LOOKUP)) {
        assertThat(AttachedPrograms.toNetns(handle, AttachType.SK_LOOKUP))
            .containsExactly(link.info().programId());
      }
      assertThatExceptionOfType(LinuxException.class)
          .isThrownBy(() -> AttachedPrograms.toNetns(handle, AttachType.CGROUP_INET4_CONNECT))
          .satisfies(e -> assertThat(e.operation()).isEqualTo("bpf(PROG_QUERY)"));
    }
  }

  @Test
  void outlivesItsNamespaceAsADefunctLink() throws Exception {
    var ns = ScratchNetns.create();
    try (var program = object.program("steer")) {
      BpfLink link;
      try (var handle = ns.open()) {
        link = BpfLink.attachNetns(program, handle, LOOKUP);
      } finally {
        ns.close();
      }
      try (link) {
        var deadline = Instant.now().plus(Duration.ofSeconds(10));
        while (link.info().netnsInode() != 0 && Instant.now().isBefore(deadline)) {
          Thread.onSpinWait();
        }
        assertThat(link.info().netnsInode()).isZero();
        assertThatExceptionOfType(LinuxException.class)
            .isThrownBy(() -> link.update(program))
            .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.ENOLINK));
      }
    }
  }

  @Test
  void mapsOnlyRingBuffers() throws Exception {
    try (var map = object.map("array");
        var ending = new RingBuffer.Ending()) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> RingBuffer.follow(map, _ -> {}, ending))
          .withMessageContaining("RINGBUF");
    }
  }

  @Test
  void knowsABpffsFromOtherDirectories() {
    assertThat(BpfFs.isMounted(PINS)).isTrue();
    assertThat(BpfFs.isMounted(Path.of("/proc"))).isFalse();
    assertThat(BpfFs.isMounted(directory.resolve("absent"))).isFalse();
    assertThatExceptionOfType(LinuxException.class)
        .isThrownBy(() -> BpfFs.isMounted(Path.of("/proc/self/status/below")))
        .satisfies(e -> {
          assertThat(e.operation()).isEqualTo("statfs");
          assertThat(e.errno()).isEqualTo(Errno.ENOTDIR);
        });
  }
}
