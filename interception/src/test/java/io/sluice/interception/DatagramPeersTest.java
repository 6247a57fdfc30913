package io.sluice.interception;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.interception.maps.AddressKey;
import io.sluice.interception.maps.DatagramPeerValue;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.interception.maps.SluiceMaps;
import io.sluice.linux.LinuxException;
import io.sluice.linux.bpf.FakeKernel;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a kernel in memory. */
class DatagramPeersTest {
  private static final AddressKey BUYER = new AddressKey(InetAddress.ofLiteral("10.1.0.6"));
  private static final AddressKey STORE = new AddressKey(InetAddress.ofLiteral("10.1.0.7"));
  private static final AddressKey THIEF = new AddressKey(InetAddress.ofLiteral("10.1.0.8"));

  @TempDir private Path directory;

  @Test
  void whatFailedHalfWayIsWholeAfterTheNextCall() {
    FakeKernel kernel = new FakeKernel();
    kernel.limit("datagram_peers", 1);
    SluiceMaps maps = SluiceMaps.openOrCreate(kernel, new PinDirectory(directory.resolve("node")));
    DatagramPeers peers = new DatagramPeers(maps.datagramPeers());
    DatagramPeerValue value = DatagramPeerValue.of("shop/buyer");
    assertThat(peers.know(Map.of(BUYER, value), true)).isZero();
    Map<AddressKey, DatagramPeerValue> tooMany = Map.of(STORE, value, THIEF, value);
    assertThatThrownBy(() -> peers.know(tooMany, true)).isInstanceOf(LinuxException.class);

    assertThat(peers.know(Map.of(BUYER, value), true)).isZero();

    assertThat(maps.datagramPeers().snapshot()).containsOnlyKeys(BUYER);
  }
}
