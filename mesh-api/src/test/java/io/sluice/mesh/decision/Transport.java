package io.sluice.mesh.decision;

/** Transport protocol of a flow, by its IANA protocol number. */
public enum Transport {
  TCP(6),
  UDP(17),
  SCTP(132),
  UDP_LITE(136);

  private final int number;

  Transport(int number) {
    this.number = number;
  }

  /** IANA protocol number. */
  public int number() {
    return number;
  }
}
