package io.sluice.node.enrolment;

import static io.sluice.node.enrolment.Connections.POD4;
import static io.sluice.node.enrolment.Connections.established;
import static io.sluice.node.enrolment.Connections.socket;
import static io.sluice.node.enrolment.EarlierConnection.EarlierAction.DESTROYED;
import static io.sluice.node.enrolment.EarlierConnection.EarlierAction.FAILED;
import static io.sluice.node.enrolment.EarlierConnection.EarlierAction.GRACED;
import static io.sluice.node.enrolment.EarlierConnection.EarlierAction.KEPT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.interception.DatagramGrants;
import io.sluice.interception.PodPlacement;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.diag.InetSocket;
import io.sluice.linux.diag.TcpState;
import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.NamespacedName;
import io.sluice.node.enrolment.EarlierConnection.EarlierConnectionsRule;
import io.sluice.node.enrolment.EarlierConnections.SocketTable;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EarlierConnectionsTest {
  private static final NamespacedName POD = new NamespacedName("shop", "buyer");
  private static final InetSocket FIRST = established(POD4, 40_001, "10.0.0.9", 80);
  private static final InetSocket SECOND = established(POD4, 40_002, "10.0.0.9", 80);

  @AutoClose private final NetnsHandle netns = new LinuxNetworkNamespaces().current();
  private final Table table = new Table();
  private final List<String> taken = new ArrayList<>();
  private long now = 1;

  /** The pod's sockets; none can be destroyed while {@code refuses}. */
  private static final class Table implements SocketTable {
    private final List<InetSocket> sockets = new ArrayList<>(List.of(FIRST));
    private boolean refuses;
    private boolean isTooLarge;
    private int attempts;
    private int looks;

    @Override
    public List<InetSocket> list(Predicate<InetSocket> which) {
      looks++;
      if (isTooLarge) {
        throw new LinuxException("sock_diag(dump)", Errno.E2BIG, "sockets", "");
      }
      return sockets.stream().filter(which).toList();
    }

    @Override
    public boolean destroy(InetSocket connection) {
      attempts++;
      if (refuses) {
        throw new LinuxException("sock_diag", Errno.EOPNOTSUPP, "a connection", "");
      }
      return sockets.remove(connection);
    }

    @Override
    public void close() {}
  }

  private EarlierConnections with(EarlierConnectionsRule rule) {
    return with(rule, true);
  }

  private EarlierConnections with(EarlierConnectionsRule rule, boolean redirectionShows) {
    return new EarlierConnections(
        rule,
        redirectionShows,
        77,
        handle -> table,
        (action, pod, connections) -> taken.add(action.label() + " " + connections.size()),
        () -> now);
  }

  private PodPlacement pod(boolean permissive) {
    return new PodPlacement(
        POD,
        Path.of("pod"),
        netns,
        1,
        Connections.NETWORK,
        InterceptionSettings.EVERYTHING,
        permissive,
        Set.of(),
        DatagramGrants.NONE);
  }

  private void enrol(EarlierConnections earlier, boolean permissive) {
    earlier.beforeActivation(pod(permissive));
    earlier.activated(pod(permissive));
  }

  private void pass(Duration time) {
    now += time.toNanos();
  }

  @Test
  void strictMeshDestroysThemAtOnce() {
    EarlierConnections earlier = with(EarlierConnectionsRule.BY_MODE);
    enrol(earlier, false);

    assertThat(taken).containsExactly(DESTROYED.label() + " 1");
    assertThat(table.sockets).isEmpty();
    assertThat(earlier.open(POD)).isZero();
  }

  @Test
  void handshakesThatWereUnderWayAreFoundASecondLater() {
    EarlierConnections earlier = with(EarlierConnectionsRule.DESTROY);
    table.sockets.add(socket(TcpState.SYN_RECV, POD4, SECOND.local().getPort(), "10.0.0.9", 80, 0));
    enrol(earlier, true);
    assertThat(table.sockets).hasSize(1);
    table.sockets.set(0, SECOND);
    earlier.follow(pod(true));
    assertThat(table.sockets).hasSize(1);

    pass(EarlierConnections.SECOND_LOOK);
    earlier.follow(pod(true));

    assertThat(taken).containsExactly(DESTROYED.label() + " 1", DESTROYED.label() + " 1");
    assertThat(table.sockets).isEmpty();
  }

  @Test
  void whatBeginsAfterEnrolmentLivesOnThoughItIsUnprotected() {
    EarlierConnections earlier = with(EarlierConnectionsRule.DESTROY);
    enrol(earlier, true);
    table.sockets.add(SECOND); // by an exclusion that is lifted within the second

    pass(EarlierConnections.SECOND_LOOK);
    earlier.follow(pod(true));

    assertThat(table.sockets).containsExactly(SECOND);
  }

  @Test
  void laterConnectionsAreNoneOfThem() {
    EarlierConnections earlier = with(EarlierConnectionsRule.BY_MODE);
    enrol(earlier, true);
    pass(EarlierConnections.SECOND_LOOK);
    earlier.follow(pod(true));
    table.sockets.add(SECOND);

    pass(EarlierConnections.GRACE);
    earlier.follow(pod(true));

    assertThat(table.sockets).containsExactly(SECOND);
    assertThat(earlier.open(POD)).isZero();
  }

  @Test
  void permissiveMeshDestroysThemAfterTheGrace() {
    EarlierConnections earlier = with(EarlierConnectionsRule.BY_MODE);
    enrol(earlier, true);
    assertThat(earlier.open(POD)).isEqualTo(1);

    pass(EarlierConnections.GRACE.minusSeconds(1));
    earlier.follow(pod(true));
    assertThat(table.sockets).containsExactly(FIRST);
    pass(Duration.ofSeconds(1));
    earlier.follow(pod(true));

    assertThat(table.sockets).isEmpty();
    assertThat(taken).containsExactly(GRACED.label() + " 1", DESTROYED.label() + " 1");
    assertThat(earlier.open(POD)).isZero();
  }

  @Test
  void graceEndsWhenTheMeshBecomesStrict() {
    EarlierConnections earlier = with(EarlierConnectionsRule.BY_MODE);
    enrol(earlier, true);

    earlier.follow(pod(false));

    assertThat(table.sockets).isEmpty();
  }

  @Test
  void keptOnesLiveOnAndAreCountedWhileTheyDo() {
    EarlierConnections earlier = with(EarlierConnectionsRule.KEEP);
    enrol(earlier, false);
    pass(EarlierConnections.GRACE);
    earlier.follow(pod(false));

    assertThat(table.sockets).containsExactly(FIRST);
    assertThat(taken).containsExactly(KEPT.label() + " 1");
    assertThat(earlier.open(POD)).isEqualTo(1);

    table.sockets.clear();
    pass(EarlierConnections.LOOK_INTERVAL);
    earlier.follow(pod(false));

    assertThat(earlier.open(POD)).isZero();
  }

  @Test
  void whatTheKernelWillNotDestroyIsTriedOnceAndStaysCounted() {
    table.refuses = true;
    EarlierConnections earlier = with(EarlierConnectionsRule.DESTROY);
    enrol(earlier, false);
    for (int sweep = 0; sweep < 100; sweep++) {
      pass(Duration.ofSeconds(1));
      earlier.follow(pod(false));
    }

    assertThat(taken).containsExactly(FAILED.label() + " 1");
    assertThat(table.attempts).isEqualTo(1);
    assertThat(earlier.open(POD)).isEqualTo(1);
  }

  @Test
  void adoptedPodsAreNotLookedAt() {
    EarlierConnections earlier = with(EarlierConnectionsRule.DESTROY);
    earlier.activated(pod(false));
    pass(EarlierConnections.GRACE);
    earlier.follow(pod(false));

    assertThat(table.sockets).containsExactly(FIRST);
    assertThat(taken).isEmpty();
  }

  @Test
  void releasedPodsAreForgotten() {
    EarlierConnections earlier = with(EarlierConnectionsRule.GRACE);
    enrol(earlier, true);
    earlier.forget(POD);
    pass(EarlierConnections.GRACE);
    earlier.follow(pod(true));

    assertThat(table.sockets).containsExactly(FIRST);
    assertThat(earlier.open(POD)).isZero();
  }

  @Test
  void whereRedirectionDoesNotShowOnlyThoseSeenBeforeCount() {
    EarlierConnections earlier = with(EarlierConnectionsRule.DESTROY, false);
    earlier.beforeActivation(pod(false));
    table.sockets.add(SECOND);
    earlier.activated(pod(false));

    assertThat(table.sockets).containsExactly(SECOND);
  }

  @Test
  void anUnreadableTableDoesNotFailTheEnrolment() {
    EarlierConnections earlier =
        new EarlierConnections(
            EarlierConnectionsRule.DESTROY,
            false,
            77,
            handle -> {
              throw new LinuxException("socket", Errno.EPROTONOSUPPORT, "sock_diag", "");
            },
            (action, pod, connections) -> taken.add(action.label()),
            () -> now);
    enrol(earlier, false);
    pass(EarlierConnections.SECOND_LOOK);
    earlier.follow(pod(false));

    assertThat(taken).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void moreThanCanBeListedAreEndedOnceTheyCanBe(boolean redirectionShows) {
    EarlierConnections earlier = with(EarlierConnectionsRule.DESTROY, redirectionShows);
    table.isTooLarge = true;
    enrol(earlier, false);
    for (int second = 0; second < 600; second++) {
      pass(Duration.ofSeconds(1));
      earlier.follow(pod(false));
    }
    assertThat(table.looks).as("not at every sweep").isLessThan(30);
    table.isTooLarge = false;

    pass(EarlierConnections.LOOK_INTERVAL);
    earlier.follow(pod(false));

    assertThat(table.sockets).isEmpty();
    assertThat(taken).containsExactly(DESTROYED.label() + " 1");
  }

  @Test
  void ruleIsReadFromItsNames() {
    assertThat(EarlierConnectionsRule.parse("keep")).isEqualTo(EarlierConnectionsRule.KEEP);
    assertThat(EarlierConnectionsRule.parse("grace")).isEqualTo(EarlierConnectionsRule.GRACE);
    assertThat(EarlierConnectionsRule.parse("destroy")).isEqualTo(EarlierConnectionsRule.DESTROY);
    assertThatThrownBy(() -> EarlierConnectionsRule.parse("by_mode"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("keep, grace, destroy");
  }
}
