package io.sluice.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.node.cni.CniOptions;
import io.sluice.node.enrolment.EarlierConnection.EarlierConnectionsRule;
import io.sluice.node.identity.ControlSettings;
import io.sluice.node.identity.control.ControlAddress;
import io.sluice.node.placement.PlacementSettings;
import io.sluice.proxy.ProxySettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NodeSettingsTest {
  @ParameterizedTest
  @ValueSource(strings = {"a", "node-1", "ip-10-0-0-1.eu.example"})
  void acceptsHostNames(String name) {
    assertThat(settings(name, "off", Duration.ZERO).nodeName()).isEqualTo(name);
  }

  @Test
  void acceptsTheLongestNameThatKubernetesAllows() {
    assertThat(settings("n".repeat(253), "off", Duration.ZERO).metricsAddress()).isEmpty();
    assertThatThrownBy(() -> settings("n".repeat(254), "off", Duration.ZERO))
        .hasMessageContaining("1 to 253");
  }

  @Test
  void refusesANameThatFitsNoIdentityWhereTheNodeNeedsOne() {
    ControlSettings control =
        new ControlSettings(
            ControlAddress.parse("controller:15012"),
            new ControlSettings.Admission.JoinToken(Path.of("token")),
            false,
            null);

    assertThat(settings("n".repeat(247), "off", Duration.ZERO, control).control()).isPresent();
    assertThatThrownBy(() -> settings("n".repeat(248), "off", Duration.ZERO, control))
        .hasMessageContaining("longer than 247 characters");
  }

  /** sockaddr_un(7) ends after 107 bytes and a zero. */
  @ParameterizedTest
  @ValueSource(ints = {63, 64, 253})
  void socketsOfNodesWithLongNamesCanBeBound(int length) {
    String name = "n".repeat(length);

    assertThat(NodeSettings.adminSocket(name).toString()).hasSizeLessThanOrEqualTo(107);
    assertThat(NodeSettings.cniSocket(name).toString()).hasSizeLessThanOrEqualTo(107);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "Node", "a_b", "-a", "a-", "a/b", "..", "ä"})
  void refusesNamesThatAreNoHostNames(String name) {
    assertThatThrownBy(() -> settings(name, "off", Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("node name '" + name + "'");
  }

  @Test
  void refusesAnAccessLogWithoutNameAndANegativeDrain() {
    assertThatThrownBy(() -> settings("a", " ", Duration.ZERO)).hasMessageContaining("access log");
    assertThatThrownBy(() -> settings("a", "off", Duration.ofSeconds(-1)))
        .hasMessageContaining("negative");
  }

  @Test
  void refusesALookThatLastsNoTime() {
    assertThatThrownBy(() -> settings("a", "off", Duration.ZERO, Duration.ZERO, null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("patience of path checks PT0S");
  }

  @Test
  void adminSocketLiesInADirectoryOfTheNode() {
    assertThat(NodeSettings.adminSocket("node-1"))
        .isEqualTo(Path.of("/run/sluice/node-1/admin.sock"));
    assertThatThrownBy(() -> NodeSettings.adminSocket("../x"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static NodeSettings settings(String name, String accessLog, Duration drain) {
    return settings(name, accessLog, drain, null);
  }

  private static NodeSettings settings(
      String name, String accessLog, Duration drain, @Nullable ControlSettings control) {
    return settings(name, accessLog, drain, NodeSettings.PATH_CHECK_PATIENCE, control);
  }

  private static NodeSettings settings(
      String name,
      String accessLog,
      Duration drain,
      Duration pathCheckPatience,
      @Nullable ControlSettings control) {
    return new NodeSettings(
        name,
        Path.of("state"),
        InterceptionMode.ebpf,
        false,
        Set.of(),
        false,
        false,
        null,
        accessLog,
        true,
        drain,
        ProxySettings.DEFAULTS,
        PlacementSettings.DEFAULTS,
        EarlierConnectionsRule.BY_MODE,
        NodeSettings.PATH_CHECK_INTERVAL,
        pathCheckPatience,
        CniOptions.OFF,
        control,
        false,
        null);
  }
}
