package io.sluice.linux.diag;

/** Protocols whose sockets the kernel lists and ends. */
public enum Transport {
  /** RFC 9293. */
  TCP(6, "tcp"),
  /** RFC 768. A connected socket is {@link TcpState#ESTABLISHED}. */
  UDP(17, "udp"),
  /** RFC 3828; Linux has had it until 7.0. */
  UDP_LITE(136, "udp-lite");

  private final int number;
  private final String label;

  Transport(int number, String label) {
    this.number = number;
    this.label = label;
  }

  /** The IANA number. */
  int number() {
    return number;
  }

  /** As events print it. */
  public String label() {
    return label;
  }
}
