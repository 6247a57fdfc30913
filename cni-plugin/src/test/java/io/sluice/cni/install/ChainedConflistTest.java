package io.sluice.cni.install;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChainedConflistTest {
  private static final PluginEntry ENTRY =
      new PluginEntry(
          Path.of("/run/sluice/edge-7/cni.sock"),
          Path.of("/var/lib/sluice/cni/membership"),
          PluginEntry.DEFAULT_TIMEOUT);
  private static final ObjectMapper JSON = new ObjectMapper();

  @ParameterizedTest
  @ValueSource(
      strings = {
        "10-flannel.conflist",
        "10-calico.conflist",
        "05-cilium.conflist",
        "10-bridge.conf",
        "00-multus.conf"
      })
  void chainsOursAtTheEndOfWhatIsInUse(String file) throws Exception {
    byte[] ours = ChainedConflist.render(file, resource("primary/" + file), ENTRY);

    assertThat(new String(ours, UTF_8))
        .isEqualTo(new String(resource("ours/" + file + ".json"), UTF_8));
  }

  @Test
  void namesThePrimaryAndItsDigestInOurEntry() throws Exception {
    byte[] primary = resource("primary/10-flannel.conflist");

    JsonNode ours = last(ChainedConflist.render("10-flannel.conflist", primary, ENTRY));

    assertThat(ours.get("source").asText()).isEqualTo("10-flannel.conflist");
    assertThat(ours.get("sourceSha256").asText())
        .isEqualTo(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(primary)));
  }

  @Test
  void chainsOursOnceThoughThePrimaryHasIt() throws Exception {
    byte[] once =
        ChainedConflist.render("10.conflist", list("{\"type\":\"a\"},{\"type\":\"b\"}"), ENTRY);
    String twice =
        "{\"type\":\"sluice-cni\"},{\"type\":\"a\"},{\"type\":\"sluice-cni\",\"socket\":\"/old\"},"
            + "{\"type\":\"b\"}";

    byte[] again = ChainedConflist.render("10.conflist", list(twice), ENTRY);

    assertThat(types(again)).containsExactly("a", "b", "sluice-cni");
    assertThat(types(ChainedConflist.render("20.conflist", once, ENTRY)))
        .containsExactly("a", "b", "sluice-cni");
    assertThat(last(again).get("socket").asText()).isEqualTo("/run/sluice/edge-7/cni.sock");
  }

  @Test
  void keepsTheOrderOfMembersAndTheFormOfNumbers() throws Exception {
    String text =
        new String(
            ChainedConflist.render(
                "10.conflist",
                list(
                    "{\"z\":1.0,\"type\":\"a\",\"b\":0.10,\"n\":18446744073709551616,\"é\":\"ü\"}"),
                ENTRY),
            UTF_8);

    assertThat(text.replaceAll("\\s+", ""))
        .contains("{\"z\":1.0,\"type\":\"a\",\"b\":0.10,\"n\":18446744073709551616,\"é\":\"ü\"}");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          ''                                             | is empty
          '[]'                                           | is no JSON object
          '{"name":"n","cniVersion":"1.0.0","plugins":[' | is no JSON in line 1
          '{"name":"n"} {}'                              | is no JSON
          '{"name":"n","name":"m"}'                      | Duplicate
          '{"cniVersion":"1.0.0","plugins":[{"type":"a"}]}' | gives its network no name
          '{"name":7,"cniVersion":"1.0.0","plugins":[{"type":"a"}]}' | gives its network no name
          '{"name":"n","cniVersion":"1.0.0"}'            | has no list of plugins
          '{"name":"n","cniVersion":"1.0.0","plugins":{}}' | has no list of plugins
          '{"name":"n","cniVersion":"1.0.0","plugins":[]}' | has no plugins
          '{"name":"n","cniVersion":"1.0.0","plugins":[{"type":"sluice-cni"}]}' | has no plugins
          '{"name":"n","cniVersion":"1.0.0","plugins":[{"type":"a"},{}]}' | type, number 2
          '{"name":"n","cniVersion":"1.0.0","plugins":["a"]}' | type, number 1
          '{"name":"n","plugins":[{"type":"a"}]}'        | has cniVersion none: plugins can be chained since 0.3.0 only
          '{"name":"n","cniVersion":"0.2.0","plugins":[{"type":"a"}]}' | has cniVersion 0.2.0: plugins can be chained since 0.3.0 only
          '{"name":"n","cniVersion":"1.2.0","plugins":[{"type":"a"}]}' | 1.1.0 is the newest
          '{"name":"n","cniVersion":"one","plugins":[{"type":"a"}]}' | has cniVersion "one", which is none
          '{"name":"n","cniVersion":1,"plugins":[{"type":"a"}]}' | has cniVersion 1, which is none
          """)
  void namesFileAndReasonWhenThereIsNoneToBeMade(String primary, String reason) {
    assertThatThrownBy(
            () -> ChainedConflist.render("10-x.conflist", primary.getBytes(UTF_8), ENTRY))
        .isInstanceOf(InvalidPrimaryException.class)
        .hasMessageStartingWith("10-x.conflist ")
        .hasMessageContaining(reason);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"})
  void takesEveryVersionThatCanBeChained(String version) throws Exception {
    String primary =
        "{\"name\":\"n\",\"cniVersion\":\"%s\",\"plugins\":[{\"type\":\"a\"}]}".formatted(version);

    byte[] ours = ChainedConflist.render("10.conflist", primary.getBytes(UTF_8), ENTRY);

    assertThat(JSON.readTree(ours).get("cniVersion").asText()).isEqualTo(version);
  }

  @Test
  void takesAListOfVersionsWhenOneCanBeChained() throws Exception {
    String primary =
        "{\"name\":\"n\",\"cniVersions\":[\"0.2.0\",\"1.1.0\",\"2.0.0\"],"
            + "\"plugins\":[{\"type\":\"a\"}]}";

    assertThat(types(ChainedConflist.render("10.conflist", primary.getBytes(UTF_8), ENTRY)))
        .containsExactly("a", "sluice-cni");
  }

  @Test
  void refusesAListInAFileThatRuntimesTakeForASinglePlugin() {
    assertThatThrownBy(() -> ChainedConflist.render("10.conf", list("{\"type\":\"a\"}"), ENTRY))
        .hasMessageContaining("runtimes want it to be named .conflist");
  }

  @Test
  void refusesMoreThanOneMebibyte() {
    byte[] large = new byte[(1 << 20) + 1];
    assertThatThrownBy(() -> ChainedConflist.render("10.conflist", large, ENTRY))
        .hasMessage("10.conflist has more than 1048576 bytes");

    String padding = "x".repeat((1 << 20) - 100);
    assertThatThrownBy(() ->
            ChainedConflist.render(
                "10.conflist", list("{\"type\":\"a\",\"p\":\"" + padding + "\"}"), ENTRY))
        .hasMessageContaining("with our plugin has more than");
  }

  @Test
  void refusesNestingThatIsMeantToExhaustTheStack() {
    String deep = "[".repeat(100_000);
    assertThatThrownBy(() ->
            ChainedConflist.render("10.conflist", list("{\"type\":\"a\",\"d\":" + deep), ENTRY))
        .isInstanceOf(InvalidPrimaryException.class)
        .hasMessageContaining("depth");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"delegates\":[{\"name\":\"n\",\"plugins\":[{\"type\":\"a\"},{\"type\":\"sluice-cni\"}]}]",
        "\"clusterNetwork\":\"/host/etc/cni/net.d/00-00-sluice.conflist\""
      })
  void refusesWhatMultusMadeFromOurs(String delegation) {
    String primary =
        "{\"name\":\"n\",\"cniVersion\":\"0.3.1\",\"type\":\"multus\"," + delegation + "}";

    assertThatThrownBy(
            () -> ChainedConflist.render("00-multus.conf", primary.getBytes(UTF_8), ENTRY))
        .hasMessageStartingWith("00-multus.conf was made from ours")
        .hasMessageContaining("--multus-master-cni-file-name");
  }

  private static byte[] list(String plugins) {
    return ("{\"name\":\"n\",\"cniVersion\":\"1.0.0\",\"plugins\":[" + plugins + "]}")
        .getBytes(UTF_8);
  }

  private static ArrayNode plugins(byte[] list) throws IOException {
    return (ArrayNode) JSON.readTree(list).get("plugins");
  }

  private static JsonNode last(byte[] list) throws IOException {
    ArrayNode plugins = plugins(list);
    return plugins.get(plugins.size() - 1);
  }

  private static Iterable<String> types(byte[] list) throws IOException {
    return plugins(list).findValuesAsText("type");
  }

  private static byte[] resource(String name) throws IOException {
    try (InputStream in = ChainedConflistTest.class.getResourceAsStream(name)) {
      return Objects.requireNonNull(in, name).readAllBytes();
    }
  }
}
