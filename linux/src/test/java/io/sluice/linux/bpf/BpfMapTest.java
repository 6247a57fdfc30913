package io.sluice.linux.bpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.bpf.PerCpuBpfMap.PossibleCpus;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.syscall.Scratch;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("kernel")
class BpfMapTest {
  private static BpfObject object;

  record Pair(long first, long second) {
    static final MapCodec<Pair> CODEC =
        new MapCodec<>() {
          @Override
          public int size() {
            return 16;
          }

          @Override
          public void encode(Pair value, ByteBuffer out) {
            out.putLong(value.first).putLong(value.second);
          }

          @Override
          public Pair decode(ByteBuffer in) {
            return new Pair(in.getLong(), in.getLong());
          }
        };
  }

  record Prefix(int length, int address) {
    static final MapCodec<Prefix> CODEC =
        new MapCodec<>() {
          @Override
          public int size() {
            return 8;
          }

          @Override
          public void encode(Prefix value, ByteBuffer out) {
            out.putInt(value.length).order(ByteOrder.BIG_ENDIAN).putInt(value.address);
          }

          @Override
          public Prefix decode(ByteBuffer in) {
            return new Prefix(in.getInt(), in.order(ByteOrder.BIG_ENDIAN).getInt());
          }
        };
  }

  @BeforeAll
  static void load(@TempDir Path directory) throws Exception {
    object = BpfObject.open(TestObject.compile(directory, "maps.bpf.c"), "maps");
    object.load();
  }

  @AfterAll
  static void close() {
    object.close();
  }

  @Test
  void keepsAHashOfThousands() {
    try (var fd = object.map("hash")) {
      var map = new BpfMap<>(fd, MapCodec.u64(), Pair.CODEC);
      var expected = new HashMap<Long, Pair>();
      for (long key = 0; key < 3000; key++) {
        map.put(key, new Pair(key, -key));
        expected.put(key, new Pair(key, -key));
      }

      assertThat(map.count()).isEqualTo(3000);
      assertThat(map.snapshot()).isEqualTo(expected);
      assertThat(map.lookup(17L)).contains(new Pair(17, -17));
      assertThat(map.lookup(9999L)).isEmpty();
      assertThat(map.putIfAbsent(17L, new Pair(0, 0))).isFalse();
      assertThat(map.remove(17L)).isTrue();
      assertThat(map.remove(17L)).isFalse();
      assertThat(map.putIfAbsent(17L, new Pair(1, 2))).isTrue();
      map.forEach((key, value) -> map.remove(key));
      assertThat(map.count()).isZero();
    }
  }

  @Test
  void saysHowLargeAFullMapIs() {
    try (var fd = object.map("hash")) {
      var map = new BpfMap<>(fd, MapCodec.u64(), Pair.CODEC);
      try {
        assertThatExceptionOfType(LinuxException.class)
            .isThrownBy(() -> {
              for (long key = 0; key < 5000; key++) {
                map.put(key, new Pair(0, 0));
              }
            })
            .satisfies(e -> {
              assertThat(e.operation()).isEqualTo("bpf(MAP_UPDATE_ELEM)");
              assertThat(e.errno()).isEqualTo(Errno.E2BIG);
              assertThat(e.subject()).isEqualTo("map hash");
              assertThat(e.hint()).contains("4096");
            });
      } finally {
        map.forEach((key, value) -> map.remove(key));
      }
    }
  }

  @Test
  void hasAllEntriesOfAnArray() {
    try (var fd = object.map("array")) {
      var map = new BpfMap<>(fd, MapCodec.u32(), MapCodec.u64());
      map.put(3, 42L);

      assertThat(map.snapshot()).hasSize(8).containsEntry(3, 42L).containsEntry(4, 0L);
      assertThatExceptionOfType(LinuxException.class)
          .isThrownBy(() -> map.remove(3))
          .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL));
    }
  }

  @Test
  void keepsAnLruWithinItsSize() {
    try (var fd = object.map("lru")) {
      var map = new BpfMap<>(fd, MapCodec.u32(), MapCodec.u64());
      for (int key = 0; key < 500; key++) {
        map.put(key, 1L);
      }

      assertThat(map.count()).isBetween(1, 64);
    }
  }

  @Test
  void findsTheLongestPrefix() {
    try (var fd = object.map("trie")) {
      var map = new BpfMap<>(fd, Prefix.CODEC, MapCodec.u64());
      map.put(new Prefix(8, 0x0A000000), 8L);
      map.put(new Prefix(24, 0x0A010200), 24L);

      assertThat(map.lookup(new Prefix(32, 0x0A010203))).contains(24L);
      assertThat(map.lookup(new Prefix(32, 0x0A020203))).contains(8L);
      assertThat(map.lookup(new Prefix(32, 0x0B020203))).isEmpty();
      assertThat(map.snapshot())
          .isEqualTo(Map.of(new Prefix(8, 0x0A000000), 8L, new Prefix(24, 0x0A010200), 24L));
    }
  }

  @Test
  void refusesACodecOfAnotherSize() {
    try (var fd = object.map("array")) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new BpfMap<>(fd, MapCodec.u64(), MapCodec.u64()))
          .withMessageContaining("key of 4 bytes");
    }
  }

  @Test
  void refusesAPerCpuMapAsAPlainOne() {
    try (var fd = object.map("counters")) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new BpfMap<>(fd, MapCodec.u32(), Pair.CODEC));
    }
  }

  @Test
  void attachesValuesToSockets() {
    int socket = Sockets.tcpSocket(Sockets.Family.IPV4);
    try (var fd = object.map("storage")) {
      var storage = new SocketStorage<>(fd, MapCodec.u64());
      assertThat(storage.lookup(socket)).isEmpty();
      storage.put(socket, 77L);

      assertThat(storage.lookup(socket)).contains(77L);
      assertThatExceptionOfType(LinuxException.class)
          .isThrownBy(() -> storage.put(-1, 1L))
          .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.EBADF));
    } finally {
      Sockets.close(socket);
    }
  }

  @Test
  void holdsListenersInSlots() throws Exception {
    int listener = Sockets.listenTcp(InetAddress.getByName("127.0.0.1"), 0, 8);
    try (var fd = object.map("slots")) {
      var slots = new SocketMap(fd);
      slots.put(1, listener);

      assertThat(slots.isFilled(1)).isTrue();
      assertThat(slots.cookie(1)).hasValue(Sockets.socketCookie(listener));
      assertThat(slots.isFilled(0)).isFalse();
      slots.put(0, listener);
      assertThat(slots.removeIfFilled(0)).isTrue();
      assertThat(slots.removeIfFilled(0)).isFalse();
      assertThat(slots.isFilled(0)).isFalse();
    } finally {
      Sockets.close(listener);
    }
    try (var fd = object.map("slots")) {
      assertThat(new SocketMap(fd).isFilled(1)).isFalse();
    }
  }

  @Test
  void refusesUnboundSocketsAndSlotsPastTheEnd() throws Exception {
    int socket = Sockets.tcpSocket(Sockets.Family.IPV4);
    int listener = Sockets.listenTcp(InetAddress.getByName("::1"), 0, 8);
    try (var fd = object.map("slots");
        var blind = object.map("blind_slots")) {
      var slots = new SocketMap(fd);
      assertThatExceptionOfType(LinuxException.class)
          .isThrownBy(() -> slots.put(0, socket))
          .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.EOPNOTSUPP));
      assertThatExceptionOfType(LinuxException.class)
          .isThrownBy(() -> slots.put(4, listener))
          .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.E2BIG));
      assertThatExceptionOfType(LinuxException.class).isThrownBy(() -> slots.removeIfFilled(4));
      var blindSlots = new SocketMap(blind);
      blindSlots.put(0, listener);
      assertThatExceptionOfType(LinuxException.class)
          .isThrownBy(() -> blindSlots.isFilled(0))
          .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.ENOSPC));
    } finally {
      Sockets.close(socket);
      Sockets.close(listener);
    }
  }

  @Test
  void addsUpOverAllCpus() {
    try (var fd = object.map("per_netns")) {
      var map = new PerCpuBpfMap<>(fd, MapCodec.u64());
      // Adds the key, with a zero for each possible CPU.
      var scratch = Scratch.current();
      var key = scratch.first(Long.BYTES);
      key.buffer().putLong(5);
      fd.operations()
          .put(key.segment(), scratch.second(Long.BYTES * PossibleCpus.count()).segment());

      assertThat(map.sum(5L)).isZero();
      assertThat(map.sum(6L)).isZero();
      assertThat(map.remove(5L)).isTrue();
      assertThat(map.remove(5L)).isFalse();
    }
  }
}
