package io.sluice.iptables;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.decision.Direction;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How rules come, stay and go. */
@Tag("kernel")
class PodRedirectionTest {
  private static IptablesBackend backend;

  private TestPod pod;

  @BeforeAll
  static void probe() {
    backend = IptablesBackend.probe(new LinuxNetworkNamespaces());
  }

  @BeforeEach
  void create() throws Exception {
    pod = new TestPod();
  }

  @AfterEach
  void delete() throws Exception {
    pod.close();
  }

  private PodRedirection redirection(String variant) {
    return new PodRedirection(pod.netns, TestPod.only(backend, variant));
  }

  @Test
  void probeSaysWhatEveryVariantCanDo() {
    assertThat(backend.answers())
        .isNotEmpty()
        .allSatisfy(answer -> {
          assertThat(answer.ability()).isEqualTo(ProbeAnswer.Ability.REDIRECTS);
          assertThat(answer.dialect()).isEqualTo(Dialect.FULL);
          assertThat(answer.reason()).isEmpty();
        });
    assertThat(backend.ability(Family.IPV6)).isEqualTo(ProbeAnswer.Ability.REDIRECTS);
  }

  @Test
  void rulesThatStandAreAdoptedUnlessSomebodyChangesThem() throws Exception {
    PodTraffic traffic = TestPod.plain();
    var former = redirection("nft");
    former.apply(traffic);
    String present = former.presentDigest().orElseThrow();
    String rules = pod.saved("nft");
    try (RulesetGeneration generation =
        RulesetGeneration.open(new LinuxNetworkNamespaces(), pod.netns)) {
      OptionalInt standing = generation.current();
      var next = redirection("nft");
      assertThat(next.digest(traffic, true))
          .isEqualTo(former.digest(traffic, true))
          .isNotEqualTo(next.digest(traffic, false))
          .isNotEqualTo(next.digest(TestPod.only(traffic, Set.of(Direction.INBOUND)), true));
      next.adopt(traffic, present);

      assertThat(next.isNftables()).isTrue();
      assertThat(next.presentDigest()).as("not read yet").isEmpty();
      assertThat(next.isIntact()).isTrue();
      assertThat(next.presentDigest()).contains(present);
      next.apply(traffic);
      assertThat(generation.current()).as("nothing was written").isEqualTo(standing);
    }
    var deceived = redirection("nft");
    deceived.adopt(traffic, present);
    pod.inside(
        "iptables-nft", "-t", "nat", "-I", "SLUICE_OUTPUT", "-d", "198.51.100.1", "-j", "RETURN");

    assertThat(deceived.isIntact()).isFalse();
    deceived.apply(traffic);
    assertThat(pod.saved("nft")).isEqualTo(rules);
    assertThat(deceived.isIntact()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"nft", "legacy"})
  void applyingTwiceLeavesTheSameRules(String variant) throws Exception {
    var first = redirection(variant);
    first.apply(TestPod.plain());
    String once = pod.saved(variant);

    first.apply(TestPod.plain());
    redirection(variant).apply(TestPod.plain());

    assertThat(pod.saved(variant)).isEqualTo(once).contains("SLUICE_OUTPUT");
    assertThat(first.isIntact()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"nft", "legacy"})
  void removalLeavesNoRuleAndNoChain(String variant) throws Exception {
    var redirection = redirection(variant);
    String before = pod.savedRules(variant);
    redirection.apply(TestPod.plain());

    redirection.remove();

    assertThat(pod.savedRules(variant)).isEqualTo(before).isEmpty();
    assertThat(redirection.isIntact()).isFalse();
  }

  @Test
  void removalLeavesNoTableAndSoNoConnectionTracking() throws Exception {
    var redirection = redirection("nft");
    redirection.apply(TestPod.plain());

    redirection.remove();

    assertThat(pod.inside("nft", "list", "ruleset")).isBlank();
  }

  @Test
  void removalFindsRulesOfAnEarlierProcess() throws Exception {
    redirection("legacy").apply(TestPod.plain());

    new PodRedirection(pod.netns, backend).remove();

    assertThat(pod.savedRules("legacy")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"nft", "legacy"})
  void flushIsDetectedAndRepaired(String variant) throws Exception {
    var redirection = redirection(variant);
    redirection.apply(TestPod.plain());
    String applied = pod.saved(variant);

    for (List<String> harm :
        List.of(
            List.of("-t", "nat", "-F"),
            List.of("-F", "SLUICE_OUTPUT"),
            List.of("-t", "nat", "-I", "SLUICE_OUTPUT", "-j", "RETURN"),
            List.of("-t", "nat", "-D", "PREROUTING", "1"),
            List.of("-t", "nat", "-A", "OUTPUT", "-j", "SLUICE_OUTPUT"))) {
      var command = new ArrayList<>(List.of("iptables-" + variant));
      command.addAll(harm);
      pod.inside(command.toArray(String[]::new));

      assertThat(redirection.isIntact()).as("after %s", harm).isFalse();
      redirection.apply(TestPod.plain());
      assertThat(redirection.isIntact()).isTrue();
      assertThat(pod.saved(variant)).isEqualTo(applied);
    }
  }

  @Test
  void ruleInFrontOfTheJumpIsDetectedAndOvertaken() throws Exception {
    var redirection = redirection("nft");
    redirection.apply(TestPod.plain());
    pod.inside("iptables-nft", "-t", "nat", "-I", "OUTPUT", "-p", "tcp", "-j", "ACCEPT");

    assertThat(redirection.isIntact()).isFalse();
    redirection.apply(TestPod.plain());

    assertThat(redirection.isIntact()).isTrue();
    assertThat(pod.saved("nft"))
        .containsPattern("-A OUTPUT -p tcp .*-j SLUICE_OUTPUT\n-A OUTPUT -p tcp -j ACCEPT\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"nft", "legacy"})
  void rulesOfThePodStay(String variant) throws Exception {
    pod.inside("iptables-" + variant, "-t", "nat", "-N", "THEIRS");
    pod.inside(
        "iptables-" + variant, "-t", "nat", "-A", "THEIRS", "-d", "10.99.0.0/16", "-j", "RETURN");
    pod.inside("iptables-" + variant, "-t", "nat", "-A", "OUTPUT", "-j", "THEIRS");
    pod.inside("ip6tables-" + variant, "-A", "INPUT", "-p", "tcp", "--dport", "99", "-j", "DROP");
    String before = pod.savedRules(variant);
    var redirection = new PodRedirection(pod.netns, backend);

    redirection.apply(TestPod.plain());
    String during = pod.savedRules(variant);
    redirection.remove();

    assertThat(during).contains(before.lines().toList()).contains("SLUICE_PREROUTING");
    assertThat(pod.savedRules(variant)).isEqualTo(before);
  }

  @Test
  void countsOutliveTheLastConnectionThatIsLed() throws Exception {
    var redirection = new PodRedirection(pod.netns, backend); // with each variant that is here
    List<CountedVerdict> before = ofOneConnection(redirection);

    redirection.detach();

    assertThat(RulesInAPod.verdicts(redirection)).containsAll(before);
  }

  @Test
  void countsAreToldWithoutAProgramAsLongAsNobodyChangesRules(@TempDir Path programs)
      throws Exception {
    List<IptablesBackend.Usable> linked = new ArrayList<>();
    for (IptablesBackend.Usable usable : TestPod.only(backend, "nft").known()) {
      Tool tool = usable.tool();
      Path save = programs.resolve(tool.save().getFileName());
      Files.createSymbolicLink(save, tool.save());
      linked.add(
          new IptablesBackend.Usable(
              new Tool(tool.family(), tool.variant(), tool.restore(), save), usable.answer()));
    }
    var redirection =
        new PodRedirection(pod.netns, new IptablesBackend(linked, backend.ownCgroup()));
    List<CountedVerdict> before = ofOneConnection(redirection);

    for (IptablesBackend.Usable each : linked) {
      Files.delete(each.tool().save());
    }

    assertThat(redirection.verdicts(() -> true)).containsAll(before);
    assertThatThrownBy(() -> redirection.verdicts(() -> false))
        .isInstanceOf(RedirectionException.class);
  }

  private List<CountedVerdict> ofOneConnection(PodRedirection redirection) throws Exception {
    redirection.apply(TestPod.plain());
    int listener = pod.listen(Family.IPV4, TestPod.OUTBOUND);
    pod.connect(Family.IPV4, TestPod.NEIGHBOUR4, 80);
    assertThat(pod.accept(listener)).isPresent();
    List<CountedVerdict> counted =
        RulesInAPod.verdicts(redirection).stream()
            .filter(verdict -> verdict.family() == Family.IPV4)
            .toList();
    assertThat(counted).isNotEmpty();
    return counted;
  }

  @Test
  void countsOutliveAChangeOfSettings() throws Exception {
    var redirection = redirection("nft");
    List<CountedVerdict> before = ofOneConnection(redirection);

    redirection.apply(
        TestPod.traffic(
            new InterceptionSettings(Set.of(9443), Set.of(), List.of(), List.of(), Set.of())));

    assertThat(RulesInAPod.verdicts(redirection)).containsAll(before);
    assertThat(pod.saved("nft")).contains("9443");
  }

  @Test
  void leavesIpv6AloneWhereThePodHasNone() throws Exception {
    redirection("nft")
        .apply(
            TestPod.simple(
                InterceptionSettings.EVERYTHING,
                Set.of(TestPod.POD4),
                false,
                false,
                TestPod.plain().outboundPorts(),
                TestPod.plain().inboundPorts()));

    assertThat(pod.savedRules("nft")).contains("iptables -A OUTPUT").doesNotContain("ip6tables");
  }

  @Test
  void refusedRestoreIsTakenBackAndExplained(@TempDir Path directory) throws Exception {
    PodRedirection redirection = redirection("nft");
    redirection.apply(TestPod.plain());
    String before = pod.saved("nft");
    var failing = new PodRedirection(pod.netns, new IptablesBackend(failingForIpv4(directory), 0));

    assertThatThrownBy(() ->
            failing.apply(
                TestPod.traffic(
                    new InterceptionSettings(
                        Set.of(9443), Set.of(), List.of(), List.of(), Set.of()))))
        .isInstanceOf(RedirectionException.class)
        .hasMessageContaining("IPV4")
        .hasMessageContaining("--dport 9443")
        .hasMessageContaining("Bad rule");
    assertThat(failing.isIntact()).isFalse();
    assertThat(pod.saved("nft")).isEqualTo(before);
  }

  /** A restore that works for filter and fails for nat as soon as it meets port 9443 there. */
  private static List<IptablesBackend.Usable> failingForIpv4(Path directory) throws IOException {
    Path restore = directory.resolve("iptables-nft-restore");
    Files.writeString(
        restore,
        """
        #!/bin/sh
        input=$(cat)
        case "$input" in
        *9443*)
          line=$(echo "$input" | grep -n 'tcp --dport 9443' | head -1 | cut -d: -f1)
          echo "$input" | sed '/^\\*nat/,$d' | iptables-nft-restore "$@"
          echo "iptables-restore: line $line failed: Bad rule" >&2
          exit 1;;
        *) echo "$input" | iptables-nft-restore "$@";;
        esac
        """);
    assertThat(restore.toFile().setExecutable(true)).isTrue();
    return ipv4By(restore);
  }

  @Test
  void repairThatFailsKeepsWhatItRepaired(@TempDir Path directory) throws Exception {
    Path broken = directory.resolve("broken");
    Path restore = directory.resolve("iptables-nft-restore");
    Files.writeString(
        restore,
        """
        #!/bin/sh
        if [ -e %s ]; then echo 'line 1 failed' >&2; exit 1; fi
        exec iptables-nft-restore "$@"
        """
            .formatted(broken));
    assertThat(restore.toFile().setExecutable(true)).isTrue();
    var redirection = new PodRedirection(pod.netns, new IptablesBackend(ipv4By(restore), 0));
    redirection.apply(TestPod.plain());
    String applied = pod.saved("nft");
    pod.inside("iptables-nft", "-t", "nat", "-F");
    pod.inside("ip6tables-nft", "-t", "nat", "-F");
    Files.createFile(broken);

    assertThatThrownBy(() -> redirection.apply(TestPod.plain()))
        .isInstanceOf(RedirectionException.class);

    assertThat(redirection.isIntact()).isFalse();
    assertThat(pod.inside("ip6tables-nft-save"))
        .containsPattern("-A OUTPUT -p tcp .*-j SLUICE_OUTPUT");
    Files.delete(broken);
    redirection.apply(TestPod.plain());
    assertThat(redirection.isIntact()).isTrue();
    assertThat(pod.saved("nft")).isEqualTo(applied);
  }

  private static List<IptablesBackend.Usable> ipv4By(Path restore) {
    return TestPod.only(backend, "nft").known().stream()
        .map(usable ->
            usable.tool().family() == Family.IPV6
                ? usable
                : new IptablesBackend.Usable(
                    new Tool(Family.IPV4, "nft", restore, usable.tool().save()), usable.answer()))
        .toList();
  }

  @Test
  void missingIptablesIsAnErrorAndNoOpenPod() {
    assertThatThrownBy(() ->
            new PodRedirection(pod.netns, new IptablesBackend(List.of(), 0)).apply(TestPod.plain()))
        .isInstanceOf(RedirectionException.class)
        .hasMessageContaining("no iptables-restore is installed");
  }

  @Test
  void noThreadOfThisProcessStaysInThePod() throws Exception {
    var redirection = redirection("nft");

    redirection.apply(TestPod.plain());
    redirection.isIntact();

    String podNamespace = "net:[" + pod.netns.inode() + "]";
    try (Stream<Path> threads = Files.list(Path.of("/proc/self/task"))) {
      assertThat(threads.map(PodRedirectionTest::namespaceOf)).doesNotContain(podNamespace);
    }
  }

  private static String namespaceOf(Path thread) {
    try {
      return Files.readSymbolicLink(thread.resolve("ns/net")).toString();
    } catch (IOException e) {
      return "ended";
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"nft", "legacy"})
  void thirtyPodsAtOnce(String variant) throws Exception {
    List<TestPod> pods = new ArrayList<>();
    try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 30; i++) {
        pods.add(new TestPod());
      }
      List<Callable<Boolean>> tasks =
          pods.stream()
              .<Callable<Boolean>>map(one ->
                  () -> {
                    var redirection = new PodRedirection(one.netns, TestPod.only(backend, variant));
                    redirection.apply(TestPod.plain());
                    return redirection.isIntact();
                  })
              .toList();
      for (Future<Boolean> result : executor.invokeAll(tasks)) {
        assertThat(result.get()).isTrue();
      }
    } finally {
      for (TestPod one : pods) {
        one.close();
      }
    }
  }
}
