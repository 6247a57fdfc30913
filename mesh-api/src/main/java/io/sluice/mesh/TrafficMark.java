package io.sluice.mesh;

/**
 * The socket mark (SO_MARK, socket(7)) by which iptables rules recognise the proxy's own
 * connections on a kernel that cannot tell them by their cgroup. Setting it needs CAP_NET_ADMIN,
 * from Linux 5.17 CAP_NET_RAW. Everywhere else marks mean nothing.
 */
public final class TrafficMark {
  /** Value of the bits under {@link #MASK}. */
  public static final int VALUE = 0x51ce;

  /** The bits that rules compare; the others stay free for the pod's own use. */
  public static final int MASK = 0xffff;

  /**
   * What bears all these bits goes between the proxy and the application of one pod and stays
   * inside, whatever its addresses are; to rules it is the proxy's as well.
   */
  public static final int PRESENTING = 0x1_0000 | VALUE;

  private TrafficMark() {}
}
