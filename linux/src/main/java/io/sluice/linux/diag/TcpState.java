package io.sluice.linux.diag;

import java.util.Optional;
import java.util.Set;

/** States of a TCP socket, with the numbers of {@code linux/tcp_states.h}. */
public enum TcpState {
  /** Data flows both ways. */
  ESTABLISHED(1),
  /** Connecting. */
  SYN_SENT(2),
  /** A handshake that a listener has answered; not a full socket yet. */
  SYN_RECV(3),
  /** We have finished, the peer has not confirmed it. */
  FIN_WAIT1(4),
  /** We have finished, the peer may still send. */
  FIN_WAIT2(5),
  /** Over; waits for stray packets. */
  TIME_WAIT(6),
  /** Unused. */
  CLOSE(7),
  /** The peer has finished, we may still send. */
  CLOSE_WAIT(8),
  /** Both have finished, the peer first. */
  LAST_ACK(9),
  /** Waits for connections. */
  LISTEN(10),
  /** Both have finished at once. */
  CLOSING(11);

  private static final TcpState[] BY_NUMBER = new TcpState[12];

  static {
    for (TcpState state : values()) {
      BY_NUMBER[state.number] = state;
    }
  }

  private final int number;

  TcpState(int number) {
    this.number = number;
  }

  /** The kernel's number. */
  public int number() {
    return number;
  }

  /** The state with this number; empty for one that only newer kernels know. */
  static Optional<TcpState> of(int number) {
    return number > 0 && number < BY_NUMBER.length
        ? Optional.of(BY_NUMBER[number])
        : Optional.empty();
  }

  /** One bit a state, as a dump request wants them. */
  static int mask(Set<TcpState> states) {
    return states.stream().mapToInt(state -> 1 << state.number).reduce(0, (a, b) -> a | b);
  }
}
