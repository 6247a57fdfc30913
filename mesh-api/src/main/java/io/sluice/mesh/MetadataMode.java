package io.sluice.mesh;

import java.net.InetAddress;
import java.util.List;

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
  public static final List<InetAddress> ADDRESSES =
      List.of(
          InetAddress.ofLiteral("169.254.169.254"), // AWS, Azure, Google, OpenStack and others
          InetAddress.ofLiteral("fd00:ec2::254"), // AWS
          InetAddress.ofLiteral("fd20:ce::254"), // Google
          InetAddress.ofLiteral("fe80::a9fe:a9fe"), // OpenStack
          InetAddress.ofLiteral("100.100.100.200"), // Alibaba
          InetAddress.ofLiteral("168.63.129.16"), // Azure, the agent's WireServer
          InetAddress.ofLiteral("169.254.0.23"), // Tencent
          InetAddress.ofLiteral("169.254.42.42"), // Scaleway
          InetAddress.ofLiteral("fd00:42::42"), // Scaleway
          InetAddress.ofLiteral("192.0.0.192")); // Oracle, its first generation
}
