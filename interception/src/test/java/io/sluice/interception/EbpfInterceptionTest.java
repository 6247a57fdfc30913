package io.sluice.interception;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.bpf.InterceptionProgram;
import io.sluice.interception.maps.AddressKey;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.interception.maps.PodAddressKey;
import io.sluice.interception.maps.PodFlag;
import io.sluice.interception.maps.PodKey;
import io.sluice.interception.maps.PodNameValue;
import io.sluice.interception.maps.PodValue;
import io.sluice.interception.maps.SluiceMaps;
import io.sluice.linux.LinuxException;
import io.sluice.linux.bpf.AttachType;
import io.sluice.linux.bpf.BpfLink;
import io.sluice.linux.bpf.FakeKernel;
import io.sluice.linux.bpf.SocketMap;
import io.sluice.linux.netns.FakeNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.linux.socket.FamilyPorts;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.ListenerFd;
import io.sluice.proxy.PodListeners;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** On a kernel in memory; the listeners are real, in the namespace of the test. */
class EbpfInterceptionTest {
  private static final NamespacedName STORE = new NamespacedName("shop", "store");
  private static final InetAddress ADDRESS = InetAddress.ofLiteral("10.1.0.7");
  private static final InetAddress LATER_ADDRESS = InetAddress.ofLiteral("10.1.0.8");
  private static final long COOKIE = FakeNamespaces.cookie();

  /** Of a pod that an earlier daemon enrolled and this one has not come to. */
  private static final PodKey OTHER = new PodKey(COOKIE + 1);

  private static final EbpfShape FULL = EbpfShape.full(Set.of(), false);

  private final FakeKernel kernel = new FakeKernel();
  private final FakeNamespaces namespaces = new FakeNamespaces(true);
  @AutoClose private final NetnsHandle netns = namespaces.current();
  @AutoClose private final NetnsThread thread = new NetnsThread("test-netns", namespaces, 16);
  private final List<EbpfInterception> daemons = new ArrayList<>();
  private final List<ListenerFd> listeners = new ArrayList<>();
  @TempDir private Path directory;

  @AfterEach
  void close() {
    daemons.forEach(EbpfInterception::close);
    listeners.forEach(listener -> Sockets.close(listener.fd()));
  }

  @Test
  void anEnrolledPodsEntriesAreThereUntilItIsReleasedAndNobodyElsesGo() {
    EbpfInterception daemon = daemon(FULL);
    SluiceMaps maps = daemon.maps();
    maps.podNames().put(OTHER, new PodNameValue("shop", "other"));
    maps.podAddresses().put(new PodAddressKey(OTHER.netnsCookie(), LATER_ADDRESS), 1);

    prepare(daemon, pod(ADDRESS));
    assertThat(maps.pods().snapshot()).as("not before it is activated").isEmpty();
    daemon.activate(pod(ADDRESS));

    assertThat(daemon.problem(pod(ADDRESS))).isEmpty();
    assertThat(daemon.nameOf(COOKIE)).contains(STORE);
    assertThat(daemon.leftBehind()).containsExactly(COOKIE);
    assertThat(maps.pods().lookup(new PodKey(COOKIE)).orElseThrow().address4()).isEqualTo(ADDRESS);
    assertThat(maps.podByAddress().lookup(new AddressKey(ADDRESS))).contains(new PodKey(COOKIE));
    assertThat(maps.podAddresses().count()).isEqualTo(2);
    assertThat(maps.probePorts().count()).isEqualTo(1);

    daemon.release(COOKIE);

    assertThat(maps.pods().count() + maps.podByAddress().count() + maps.podConnections().count())
        .isZero();
    assertThat(maps.rangeRules().count() + maps.probePorts().count()).isZero();
    assertThat(maps.podNames().snapshot()).containsOnlyKeys(OTHER);
    assertThat(maps.podAddresses().count()).isEqualTo(1);
    assertThat(daemon.leftBehind()).isEmpty();
    assertThat(steering()).isEmpty();
  }

  @Test
  void anUpdateLeavesNothingOfTheFormerSettings() {
    EbpfInterception daemon = daemon(FULL);
    enrol(daemon, pod(ADDRESS));

    daemon.update(pod(LATER_ADDRESS));

    SluiceMaps maps = daemon.maps();
    assertThat(maps.podByAddress().snapshot()).containsOnlyKeys(new AddressKey(LATER_ADDRESS));
    assertThat(maps.podAddresses().snapshot())
        .containsOnlyKeys(new PodAddressKey(COOKIE, LATER_ADDRESS));
    assertThat(daemon.problem(pod(LATER_ADDRESS))).isEmpty();
  }

  @Test
  void theNextDaemonAdoptsWhatIsPinnedAndReplacesTheProgramsInPlace() {
    EbpfInterception first = daemon(FULL);
    enrol(first, pod(ADDRESS));
    int enrolment = enrolment(first);
    int hook = onlyHook();
    int steering = steering().getFirst();
    end(first);
    assertThat(onlyHook()).as("in force without a daemon").isEqualTo(hook);
    assertThat(steering()).containsExactly(steering);

    EbpfInterception next = daemon(FULL);
    assertThat(next.leftBehind()).containsExactly(COOKIE);
    assertThat(next.nameOf(COOKIE)).contains(STORE);
    assertThat(next.nodeProblem()).isEmpty();
    enrol(next, pod(ADDRESS));

    assertThat(onlyHook()).isNotEqualTo(hook);
    assertThat(steering()).hasSize(1).doesNotContain(steering);
    assertThat(enrolment(next)).as("what is being opened stays in the count").isEqualTo(enrolment);
    assertThat(next.problem(pod(ADDRESS))).isEmpty();
    assertThat(next.maps().proxyCgroups().count()).isEqualTo(1);
  }

  @Test
  void whatItsDaemonHadOnlyPreparedWasNotInForce() {
    EbpfInterception first = daemon(FULL);
    prepare(first, pod(ADDRESS));
    end(first);

    EbpfInterception next = daemon(FULL);
    assertThat(next.leftBehind()).containsExactly(COOKIE);
    assertThat(next.wasInForce(COOKIE)).isFalse();
    enrol(next, pod(ADDRESS));
    end(next);

    assertThat(daemon(FULL).wasInForce(COOKIE)).isTrue();
  }

  @Test
  void everyDirectionAndFamilyHasItsSlotWithItsListener() {
    EbpfInterception daemon = daemon(FULL);
    enrol(daemon, pod(ADDRESS));

    assertThat(listeners).hasSize(2);
    SocketMap slots = slots();
    for (ListenerFd listener : listeners) {
      int slot = PodSteering.slot(listener.direction(), Family.IPV4);
      assertThat(slots.cookie(slot)).hasValue(Sockets.socketCookie(listener.fd()));
    }
    assertThat(slots.isFilled(PodSteering.slot(Direction.INBOUND, Family.IPV6))).isFalse();
  }

  @Test
  void anEmptiedSlotIsFoundAndRepairedWithANewListener() {
    EbpfInterception daemon = daemon(FULL);
    enrol(daemon, pod(ADDRESS));
    slots().removeIfFilled(PodSteering.slot(Direction.INBOUND, Family.IPV4));
    assertThat(daemon.problem(pod(ADDRESS)).orElseThrow()).contains("does not hold our listener");

    List<PodListeners> served = new ArrayList<>();
    daemon.repair(pod(ADDRESS), served::add);
    served.forEach(one -> listeners.addAll(one.listeners()));

    assertThat(served).hasSize(1);
    assertThat(daemon.problem(pod(ADDRESS))).isEmpty();
    assertThat(steering()).hasSize(1);
  }

  @Test
  void ofRepairsThatFailOnlyTheLastHasItsProgramOpen() {
    EbpfInterception daemon = daemon(FULL);
    PodPlacement pod = pod(ADDRESS);
    enrol(daemon, pod);
    int whole = kernel.openPrograms();
    detach(pins().pod(COOKIE).resolve("link"));
    kernel.refuseLinks(true);

    for (int repair = 0; repair < 3; repair++) {
      assertThatThrownBy(() -> daemon.repair(pod, served -> listeners.addAll(served.listeners())))
          .isInstanceOf(LinuxException.class);
      assertThat(kernel.openPrograms()).isEqualTo(whole + 1);
    }

    kernel.refuseLinks(false);
    daemon.repair(pod, served -> listeners.addAll(served.listeners()));
    assertThat(daemon.problem(pod)).isEmpty();
    assertThat(kernel.openPrograms()).isEqualTo(whole);
  }

  @Test
  void whatSomebodyTookOutOfTheMapsIsBackOnceThePodWasRepaired() {
    EbpfInterception daemon = daemon(FULL);
    enrol(daemon, pod(ADDRESS));
    SluiceMaps maps = daemon.maps();
    maps.podByAddress().remove(new AddressKey(ADDRESS));
    maps.podAddresses().remove(new PodAddressKey(COOKIE, ADDRESS));

    daemon.repair(pod(ADDRESS), served -> listeners.addAll(served.listeners()));

    assertThat(maps.podByAddress().lookup(new AddressKey(ADDRESS))).contains(new PodKey(COOKIE));
    assertThat(maps.podAddresses().count()).isEqualTo(1);
  }

  @Test
  void whatSomebodyDidToAPodIsSaid() {
    EbpfInterception daemon = daemon(FULL);
    PodPlacement pod = pod(ADDRESS);
    assertThat(daemon.problem(pod)).hasValue("its steering was never prepared");
    enrol(daemon, pod);

    kernel.attachStranger(netns, AttachType.SK_LOOKUP);
    assertThat(daemon.problem(pod))
        .hasValue("2 steering programs are attached where one should be");
    daemon.maps().pods().remove(new PodKey(COOKIE));
    assertThat(daemon.problem(pod)).hasValue("its entry in the map pods is missing");
    detach(pins().pod(COOKIE).resolve("link"));
    daemon.maps().pods().put(new PodKey(COOKIE), new PodValue(null, null, 0, 0, FamilyPorts.NONE));
    assertThat(daemon.problem(pod)).hasValue("its steering program was detached");
  }

  @Test
  void aHookThatWasTakenAwayIsPutBack() {
    EbpfInterception daemon = daemon(FULL);
    detach(pins().link(InterceptionProgram.CONNECT4.objectName()));
    assertThat(daemon.nodeProblem()).hasValue("the hook connect4 was detached");
    assertThat(hooks()).isEmpty();

    daemon.repairNode();

    assertThat(daemon.nodeProblem()).isEmpty();
    assertThat(hooks()).hasSize(1);
  }

  @Test
  void whatFailsForANewPodLeavesNothingAndForOneInForceRefuses() {
    EbpfInterception daemon = daemon(FULL);
    prepare(daemon, pod(ADDRESS));
    daemon.abandon(COOKIE);
    assertThat(daemon.leftBehind()).isEmpty();
    assertThat(daemon.maps().podNames().count()).isZero();

    enrol(daemon, pod(ADDRESS));
    prepare(daemon, pod(ADDRESS));
    daemon.abandon(COOKIE);

    assertThat(daemon.maps().pods().count()).isEqualTo(1);
    assertThat(steering()).as("refuses, with slots that empty themselves").hasSize(1);
  }

  @Test
  void whatAnotherReleasePinnedGoesPodByPodAsThisOneIsInForce() {
    PinDirectory former = new PinDirectory(directory.resolve("node").resolve("v3"));
    former.create();
    former.createPod(COOKIE);
    former.createPod(OTHER.netnsCookie());
    EbpfInterception daemon = daemon(FULL);

    prepare(daemon, pod(ADDRESS));
    assertThat(former.podCookies()).contains(COOKIE);
    daemon.activate(pod(ADDRESS));

    assertThat(former.podCookies()).containsExactly(OTHER.netnsCookie());
  }

  @ParameterizedTest
  @EnumSource(
      value = InterceptionProgram.class,
      names = {"SK_LOOKUP", "CONNECT4", "SOCK_OPS"})
  void aRefusedProgramIsNamedBeforeAnythingIsInForce(InterceptionProgram program) {
    kernel.refuse(program.objectName());

    assertThatThrownBy(() -> daemon(FULL))
        .isInstanceOfSatisfying(
            ProgramRefusedException.class,
            refused -> assertThat(refused.program()).isEqualTo(program));
    assertThat(hooks()).isEmpty();
  }

  @Test
  void outboundAloneNeedsNoSteeringAndTakesAwayWhatIsThere() {
    EbpfInterception before = daemon(FULL);
    enrol(before, pod(ADDRESS));
    end(before);

    kernel.refuse(InterceptionProgram.SK_LOOKUP.objectName());
    EbpfInterception daemon = daemon(EbpfShape.outboundOnly(Set.of()));
    enrol(daemon, pod(ADDRESS));
    daemon.retireSteering(COOKIE);

    assertThat(steering()).isEmpty();
    assertThat(daemon.problem(pod(ADDRESS))).isEmpty();
    assertThat(daemon.leftBehind()).containsExactly(COOKIE);
    ListenerFd outbound = listeners.getLast();
    assertThat(outbound.direction()).isEqualTo(Direction.OUTBOUND);
    assertThat(daemon.maps().pods().lookup(new PodKey(COOKIE)).orElseThrow().outboundPorts().ipv4())
        .as("where the hooks send what they redirect")
        .isEqualTo(Sockets.localAddress(outbound.fd()).getPort());
  }

  @Test
  void rulesThatTakeOverLiftOnePodAfterTheOtherThenTheHooks() {
    EbpfInterception former = daemon(FULL);
    enrol(former, pod(ADDRESS));
    former
        .maps()
        .pods()
        .put(OTHER, new PodValue(null, null, PodFlag.bits(Set.of()), 0, FamilyPorts.NONE));
    pins().createPod(OTHER.netnsCookie());
    SluiceMaps maps = former.maps();
    FormerPrograms programs =
        new FormerPrograms(kernel, pins(), new FakeNamespaces(false), NamespaceSearch.NOWHERE);

    assertThat(programs.hold(COOKIE)).isTrue();
    programs.lift(pod(ADDRESS));

    assertThat(maps.pods().snapshot()).containsOnlyKeys(OTHER);
    assertThat(steering()).as("although its daemon has it open").isEmpty();
    assertThat(programs.hold(COOKIE)).isFalse();
    assertThat(programs.areOnlyOf(Set.of(COOKIE))).as("the other one needs its hooks").isFalse();
    assertThat(hooks()).hasSize(1);

    programs.removeAll();

    assertThat(hooks()).isEmpty();
    assertThat(programs.exist()).isFalse();
  }

  private EbpfInterception daemon(EbpfShape shape) {
    EbpfInterception made =
        new EbpfInterception(
            LoadedPrograms.load(kernel, pins(), "node", shape),
            directory.resolve("cgroup"),
            netns,
            thread,
            new InheritedListeners(),
            // Without nf_tables, which would be the machine's own.
            new ForwardingPods(new FakeNamespaces(false), NamespaceSearch.NOWHERE),
            new SpreadPods(new FakeNamespaces(false), NamespaceSearch.NOWHERE, _ -> false));
    daemons.add(made);
    made.begin();
    return made;
  }

  private void end(EbpfInterception daemon) {
    daemons.remove(daemon);
    daemon.close();
  }

  private void enrol(EbpfInterception daemon, PodPlacement pod) {
    prepare(daemon, pod);
    daemon.activate(pod);
  }

  private void prepare(EbpfInterception daemon, PodPlacement pod) {
    listeners.addAll(daemon.prepare(pod).listeners());
  }

  private PodPlacement pod(InetAddress address) {
    return TestPlacement.of(STORE, netns, COOKIE, address, DatagramGrants.NONE);
  }

  private PinDirectory pins() {
    return new PinDirectory(directory.resolve("node").resolve("v4"));
  }

  private List<Integer> steering() {
    return kernel.attachedToNetns(netns, AttachType.SK_LOOKUP);
  }

  private List<Integer> hooks() {
    return kernel.attachedToRootCgroup(InterceptionProgram.CONNECT4.attachType());
  }

  private int onlyHook() {
    assertThat(hooks()).hasSize(1);
    return hooks().getFirst();
  }

  private static int enrolment(EbpfInterception daemon) {
    return daemon.maps().podConnections().lookup(new PodKey(COOKIE)).orElseThrow().enrolment();
  }

  private SocketMap slots() {
    return new SocketMap(kernel.openMap(pins().pod(COOKIE).resolve("listeners")));
  }

  private void detach(Path pin) {
    try (BpfLink link = kernel.openLink(pin)) {
      link.detach();
    }
  }
}
