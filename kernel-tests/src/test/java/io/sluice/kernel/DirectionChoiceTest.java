package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.bpf.InterceptionProgram;
import io.sluice.lab.site.FaultyProgram;
import io.sluice.lab.site.JavaCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a daemon makes of single programs that are refused, and how it says so by direction. */
@Tag("kernel")
class DirectionChoiceTest {
  private static final String LEFT_OUT = "program sk_lookup is left out by --without-program";

  @AutoClose private static Shop shop;

  @BeforeAll
  static void openShop() {
    shop = Shop.withoutDaemon(Mechanism.SPLIT);
  }

  @BeforeEach
  void beginWithoutTraces() {
    shop.removeTraces();
  }

  @Test
  void ebpfWithoutFallbackDoesNotStartWithoutSteering() {
    assertThatThrownBy(
            () -> shop.site.startDaemon("--mode", "ebpf", "--without-program", "sk_lookup"))
        .hasMessageContaining("the daemon ended at once");

    assertThat(shop.daemon().lastWords())
        .startsWith("sluice: eBPF was asked for and is refused: " + LEFT_OUT)
        .contains("--fallback true");
  }

  @Test
  void withoutAnOutboundProgramBothDirectionsAreTakenByRules() {
    assertBothByRules("auto", "eBPF does not work here: ");
  }

  @Test
  @Tag("long")
  void soTheyAreWhereEbpfWasAskedFor() {
    assertBothByRules("ebpf", "eBPF was asked for and is refused: ");
  }

  private static void assertBothByRules(String mode, String reason) {
    shop.site.startDaemon("--mode", mode, "--fallback", "true", "--without-program", "connect4");

    assertModes("iptables", "iptables", "iptables");
    assertThat(status("modeReason"))
        .isEqualTo(reason + "program connect4 is left out by --without-program");
    assertThat(status("inboundReason")).isEqualTo(status("modeReason"));
    shop.assertEnforced();
  }

  @Test
  void aNameThatNoProgramHasIsRefusedWithTheNamesThereAre() {
    assertThatThrownBy(() -> capabilities("--without-program", "sk_lookdown"))
        .hasMessageContaining(
            "--without-program: there is no program 'sk_lookdown'; the programs are connect4")
        .hasMessageContaining(", sk_lookup");
  }

  @Test
  void rulesInboundCannotFailOpenAndSaySo() {
    assertThatThrownBy(() ->
            shop.site.startDaemon(
                "--mode", "auto", "--fail-open", "--without-program", "sk_lookup"))
        .hasMessageContaining("the daemon ended at once");

    assertThat(shop.daemon().lastWords())
        .contains("iptables rules cannot tell whether a daemon runs");
  }

  /** The whole log of a program that the verifier refuses is kept until the next start. */
  @Test
  void whereOnlySteeringIsRefusedOutboundStaysWithEbpfAndWhyIsSaidForEachDirection()
      throws IOException {
    List<String> faulty =
        FaultyProgram.launcher(shop.site.directory(), InterceptionProgram.SK_LOOKUP);
    Path log = shop.site.directory().resolve("state").resolve("verifier-sk_lookup.log");

    shop.site.startDaemonBehind(faulty, "--mode", "auto");

    assertModes("ebpf/iptables", "ebpf", "iptables");
    assertThat(status("outboundReason")).isEqualTo("a trial of every outbound program succeeded");
    assertThat(status("inboundReason"))
        .startsWith("eBPF does not work here: bpf(PROG_LOAD) on program sluice_sk_lookup")
        .contains(FaultyProgram.COMPLAINT)
        .endsWith("; the whole verifier log: " + log);
    assertThat(status("modeReason"))
        .isEqualTo(
            "outbound: " + status("outboundReason") + "; inbound: " + status("inboundReason"));
    assertThat(modeIs("outbound", "ebpf") && modeIs("inbound", "iptables")).isTrue();
    assertThat(Files.readString(log)).contains(FaultyProgram.COMPLAINT);
    shop.assertEnforced();

    shop.daemon().kill();
    shop.site.startDaemon("--mode", "ebpf", "--fallback", "true", "--without-program", "sk_lookup");

    assertModes("ebpf/iptables", "ebpf", "iptables");
    assertThat(status("outboundReason")).isEqualTo("asked for");
    assertThat(status("inboundReason")).isEqualTo("eBPF was asked for and is refused: " + LEFT_OUT);
    assertThat(log).doesNotExist();
    shop.assertEnforced();
  }

  private static boolean modeIs(String direction, String mode) {
    return shop.view()
            .metric(
                "sluice_interception_mode",
                "direction=\"" + direction + "\"",
                "mode=\"" + mode + "\"")
        == 1;
  }

  @Test
  void capabilitiesShowsBothDirectionsWithTheirReasons() throws IOException {
    JsonNode split =
        new ObjectMapper().readTree(capabilities("-o", "json", "--without-program", "sk_lookup"));

    assertThat(split.path("mode").asText()).isEqualTo("ebpf/iptables");
    assertThat(split.path("outboundMode").asText()).isEqualTo("ebpf");
    assertThat(split.path("inboundMode").asText()).isEqualTo("iptables");
    assertThat(split.path("inboundReason").asText()).endsWith(LEFT_OUT);
    assertThat(split.path("features"))
        .anyMatch(answer -> isAnswer(answer, "ebpf trial outbound", "yes"))
        .anyMatch(answer -> isAnswer(answer, "ebpf trial inbound", "no"));
    assertThat(capabilities("--without-program", "sk_lookup"))
        .contains("--mode auto would choose ebpf/iptables: outbound: ");
  }

  private static boolean isAnswer(JsonNode answer, String feature, String works) {
    return answer.path("feature").asText().equals(feature)
        && answer.path("works").asText().equals(works);
  }

  private static String capabilities(String... arguments) {
    return JavaCommand.here(
        Stream.concat(Stream.of("node", "capabilities"), Stream.of(arguments))
            .toArray(String[]::new));
  }

  private static void assertModes(String mode, String outbound, String inbound) {
    assertThat(status("mode")).isEqualTo(mode);
    assertThat(status("outboundMode")).isEqualTo(outbound);
    assertThat(status("inboundMode")).isEqualTo(inbound);
  }

  private static String status(String member) {
    return shop.view().status().path(member).asText();
  }
}
