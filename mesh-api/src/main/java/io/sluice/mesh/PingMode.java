package io.sluice.mesh;

/** Which ICMP echo requests a workload may send where datagrams need a reason. */
public enum PingMode {
  /** None. */
  REFUSE,
  /** Those of ping(8) as it is called: up to {@link #PLAIN_BYTES} of payload. */
  PLAIN,
  /** Any, and the extended ones of RFC 8335. */
  ALLOW;

  /** Longest payload of a plain echo request; ping(8) sends 56 bytes, with {@code -s 64} these. */
  public static final int PLAIN_BYTES = 64;
}
