package io.sluice.cni.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluice.cni.protocol.CniConfig.PreviousResult;
import io.sluice.cni.protocol.CniRequest.PodReference;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.PodUid;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CniRequestTest {
  private static final String RESULT =
      "{ \"cniVersion\":\"1.0.0\", \"ips\":[{\"address\":\"10.42.0.7/24\",\"interface\":2},\n"
          + " {\"address\":\"fd42::7/64\"}], \"dns\":{\"search\":[\"a\\u00e4}\"]} }";
  private static final String CONFIG =
      "{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"x\":{\"prevResult\":{\"ips\":[]}},\"prevResult\": "
          + RESULT
          + ",\"type\":\"sluice-cni\"}";
  private static final String ARGS =
      "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=store-0;K8S_POD_UID=6F1C0A52-8f0e-4a43-9a53-0d3a3f8e2b11";

  private static byte[] body(String command, String arguments, String config) {
    return ("CNI_COMMAND=%s\0CNI_CONTAINERID=c1\0CNI_NETNS=/run/netns/x\0CNI_IFNAME=eth0\0CNI_ARGS=%s\0\0%s"
            .formatted(command, arguments, config))
        .getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void readsAnAdd() {
    CniRequest request = CniRequest.parse(body("ADD", ARGS, CONFIG));

    assertThat(request.command()).isEqualTo(CniCommand.ADD);
    assertThat(request.containerId()).isEqualTo("c1");
    assertThat(request.ifname()).isEqualTo("eth0");
    assertThat(request.netnsPath()).isEqualTo("/run/netns/x");
    assertThat(request.pod())
        .contains(
            new PodReference(
                new NamespacedName("shop", "store-0"),
                new PodUid("6f1c0a52-8f0e-4a43-9a53-0d3a3f8e2b11")));
    assertThat(request.config().cniVersion()).isEqualTo("1.0.0");
    PreviousResult previous = request.config().previous().orElseThrow();
    assertThat(previous.addresses())
        .containsExactly(IpAddresses.parse("10.42.0.7"), IpAddresses.parse("fd42::7"));
  }

  @Test
  void keepsThePreviousResultByteForByte() {
    CniRequest request = CniRequest.parse(body("ADD", ARGS, CONFIG));

    assertThat(
            new String(
                request.config().previous().orElseThrow().document(), StandardCharsets.UTF_8))
        .isEqualTo(RESULT);
  }

  @Test
  void readsTheAttachmentsOfGc() {
    String config =
        "{\"cniVersion\":\"1.1.0\",\"cni.dev/valid-attachments\":[{\"containerID\":\"a\",\"ifname\":\"eth0\"}]}";
    byte[] body = ("CNI_COMMAND=GC\0\0" + config).getBytes(StandardCharsets.UTF_8);

    CniRequest request = CniRequest.parse(body);

    assertThat(request.config().attachments()).containsExactly("a");
    assertThat(request.pod()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "MUL | K8S_POD_NAMESPACE=a;K8S_POD_NAME=b | {} | 4 | CNI_COMMAND 'MUL' is not known here",
        "ADD | K8S_POD_NAMESPACE=../a;K8S_POD_NAME=b | {} | 4 | K8S_POD_NAMESPACE '../a' is no Kubernetes name",
        "ADD | K8S_POD_NAMESPACE=a | {} | 4 | K8S_POD_NAME '' is no Kubernetes name",
        "ADD | K8S_POD_NAMESPACE=a;K8S_POD_NAME=b | [] | 6 | the network configuration is no object",
        "ADD | K8S_POD_NAMESPACE=a;K8S_POD_NAME=b | {\"a\": | 6 | the network configuration cannot be read",
        "ADD | K8S_POD_NAMESPACE=a;K8S_POD_NAME=b | {\"prevResult\":{\"ips\":[{\"address\":\"x\"}]}} | 6 | the address 'x'",
      })
  void refusesWhatCannotBe(
      String command, String arguments, String config, int code, String message) {
    assertThatExceptionOfType(CniError.class)
        .isThrownBy(() -> CniRequest.parse(body(command, arguments, config)))
        .withMessageContaining(message)
        .satisfies(e -> assertThat(e.code()).isEqualTo(code));
  }

  @Test
  void refusesDeepNestingAndATruncatedEnvironment() {
    String deep = "{\"a\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}";
    assertThatExceptionOfType(CniError.class)
        .isThrownBy(() -> CniRequest.parse(body("ADD", ARGS, deep)))
        .withMessageContaining("nesting");
    assertThatExceptionOfType(CniError.class)
        .isThrownBy(() -> CniRequest.parse("CNI_COMMAND=ADD".getBytes(StandardCharsets.UTF_8)))
        .withMessageContaining("ends inside its environment");
  }

  @Test
  void anyGarbageIsRefusedAndNothingElse() {
    Random random = new Random(20_261_120);
    byte[] valid = body("ADD", ARGS, CONFIG);
    for (int i = 0; i < 5_000; i++) {
      byte[] broken = valid.clone();
      for (int n = random.nextInt(4); n >= 0; n--) {
        broken[random.nextInt(broken.length)] = (byte) random.nextInt(256);
      }
      try {
        assertThat(CniRequest.parse(broken).containerId()).isNotEmpty();
      } catch (CniError e) {
        assertThat(e.document("1.0.0")).isNotEmpty();
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "SLUICE-CNI 1 17, 17",
    "SLUICE-CNI 1 0, 0",
  })
  void readsHeaders(String line, int bytes) {
    assertThat(CniFrame.bodyBytes(line)).isEqualTo(bytes);
  }

  @ParameterizedTest
  @CsvSource({
    "SLUICE-CNI 2 17",
    "SLUICE-CNI 1 -1",
    "SLUICE-CNI 1 999999999",
    "SLUICE-CNI 1 01",
    "GET / HTTP/1.1",
  })
  void refusesOtherHeaders(String line) {
    assertThatExceptionOfType(CniError.class).isThrownBy(() -> CniFrame.bodyBytes(line));
  }

  @Test
  void repliesWithStatusAndLength() {
    byte[] reply = CniFrame.reply(1, "{}".getBytes(StandardCharsets.UTF_8)).array();

    assertThat(new String(reply, StandardCharsets.UTF_8)).isEqualTo("SLUICE-CNI 1 1 2\n{}");
  }
}
