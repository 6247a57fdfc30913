package io.sluice.linux.socket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The replacement for SO_NETNS_COOKIE, compared with the option where the kernel has it. */
@Tag("kernel")
class RememberedNamespacesTest {
  @Test
  void socketRemembersTheNamespaceItWasMadeIn() {
    RememberedNamespaces remembered = RememberedNamespaces.OF_THIS_PROCESS;
    int early = Sockets.tcpSocket(Sockets.Family.IPV4);
    try {
      assertThatThrownBy(() -> remembered.cookie(early))
          .isInstanceOfSatisfying(
              LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT));
    } finally {
      Sockets.close(early);
    }
    int socket = Sockets.tcpSocket(Sockets.Family.IPV6);
    try {
      assertThat(remembered.cookie(socket)).isEqualTo(Sockets.netnsCookie(socket));
    } finally {
      Sockets.close(socket);
    }
  }

  @Test
  void whatIsNoSocketRemembersNothing() {
    RememberedNamespaces remembered = RememberedNamespaces.OF_THIS_PROCESS;

    assertThatThrownBy(() -> remembered.cookie(-1))
        .isInstanceOfSatisfying(
            LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EBADF));
  }
}
