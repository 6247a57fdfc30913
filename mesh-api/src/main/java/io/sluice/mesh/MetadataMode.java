package io.sluice.mesh;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.List;
import java.util.stream.Stream;

/**
 * Whether a workload may call its cloud's metadata service, which gives the node's credentials and
 * start-up data to whoever asks from the node's address.
 */
public enum MetadataMode {
  /** Neither by TCP nor by UDP, whatever the mesh allows else. */
  REFUSE,
  /** Decided like any other address. */
  ALLOW;

  /** Where clouds serve metadata, on their own networks alone. */
  private static final List<InetAddress> SERVED =
      List.of(
          InetAddress.ofLiteral("169.254.169.254"), // AWS, Azure, Google, OpenStack and others
          InetAddress.ofLiteral("169.254.169.252"), // Google, GKE's server on the node
          InetAddress.ofLiteral("fd00:ec2::254"), // AWS
          InetAddress.ofLiteral("fd20:ce::254"), // Google
          InetAddress.ofLiteral("fe80::a9fe:a9fe"), // OpenStack
          InetAddress.ofLiteral("100.100.100.200"), // Alibaba
          InetAddress.ofLiteral("fd00:100::100:200"), // Alibaba
          InetAddress.ofLiteral("168.63.129.16"), // Azure, the agent's WireServer
          InetAddress.ofLiteral("169.254.0.23"), // Tencent
          InetAddress.ofLiteral("169.254.42.42"), // Scaleway
          InetAddress.ofLiteral("fd00:42::42"), // Scaleway
          InetAddress.ofLiteral("fd00:a9fe:a9fe::1"), // Akamai
          InetAddress.ofLiteral("fd00:c1::a9fe:a9fe"), // Oracle
          InetAddress.ofLiteral("192.0.0.192")); // Oracle, its first generation

  /** The same, and how a translator of the network spells those of IPv4 (RFC 6052 2.1). */
  public static final List<InetAddress> ADDRESSES =
      Stream.concat(
              SERVED.stream(),
              SERVED.stream().filter(Inet4Address.class::isInstance).map(MetadataMode::translated))
          .toList();

  private static InetAddress translated(InetAddress ipv4) {
    byte[] spelled = InetAddress.ofLiteral("64:ff9b::").getAddress();
    System.arraycopy(ipv4.getAddress(), 0, spelled, spelled.length - 4, 4);
    return IpAddresses.of(spelled);
  }
}
