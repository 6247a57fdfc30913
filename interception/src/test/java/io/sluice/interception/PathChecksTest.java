package io.sluice.interception;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.interception.PathChecks.PathProbe;
import io.sluice.interception.PathChecks.Waiting;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.decision.Direction;
import java.net.InetSocketAddress;
import org.junit.jupiter.api.Test;

class PathChecksTest {
  private static final long SECOND = 1_000_000_000;

  private final Waiting waiting = new Waiting(5 * SECOND, 0);

  @Test
  void isGivenUpAfterItsPatience() {
    assertThat(overAt(1, 2, 3, 4)).isFalse();
    assertThat(overAt(5)).isTrue();
  }

  @Test
  void timeInWhichTheProcessStoodStillDoesNotCount() {
    assertThat(overAt(1, 3_600)).isFalse();
    assertThat(overAt(3_601, 3_602)).isTrue();
  }

  @Test
  void whatIsBehindOthersIsWaitedForTenTimesAsLong() {
    for (int i = 1; i < 50; i++) {
      waiting.acceptedAnother();
      assertThat(overAt(i)).as("after %d s", i).isFalse();
    }
    waiting.acceptedAnother();
    assertThat(overAt(50)).isTrue();
  }

  /** Else a pod whose one way is broken would be left so for as long as it is called by another. */
  @Test
  void isBehindOthersOfItsOwnQueueAlone() {
    InetSocketAddress client = new InetSocketAddress("127.0.0.1", 1);
    int fd = Sockets.tcpSocket(Family.IPV4);
    try (PathProbe probe = new PathProbe(Direction.INBOUND, client, client, fd)) {
      InetSocketAddress other = new InetSocketAddress("127.0.0.1", 2);
      assertThat(probe.mayStandBehind(Direction.INBOUND, other)).isTrue();
      assertThat(probe.mayStandBehind(Direction.OUTBOUND, other)).isFalse();
      assertThat(probe.mayStandBehind(Direction.INBOUND, new InetSocketAddress("::1", 2)))
          .isFalse();

      probe.arrivedAs(client);

      assertThat(probe.mayStandBehind(Direction.INBOUND, other)).isFalse();
    }
  }

  @Test
  void itsPatienceBeginsAnewWithTheLastOneBefore() {
    assertThat(overAt(1, 2, 3, 4)).isFalse();
    waiting.acceptedAnother();
    assertThat(overAt(5, 6, 7, 8, 9)).isFalse();
    assertThat(overAt(10)).isTrue();
  }

  /** Whether it was given up by one of these looks. */
  private boolean overAt(long... seconds) {
    boolean over = false;
    for (long at : seconds) {
      over |= waiting.isOver(at * SECOND);
    }
    return over;
  }
}
