package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.FailMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a Pod and its Namespace say of the time without a daemon. */
class FailModeTest {
  @ParameterizedTest
  @CsvSource({
    "-, -, CLOSED",
    "open, -, OPEN",
    "-, open, OPEN",
    "open, closed, CLOSED",
    "closed, open, OPEN",
  })
  void thePodsWordGoesBeforeThatOfItsNamespace(String namespace, String pod, FailMode expected) {
    CompiledChange compilation = compile(namespace, pod);

    assertThat(mode(compilation)).isEqualTo(expected);
    assertThat(compilation.statuses()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"OPEN, -, Namespace shop", "open, true, Pod shop/web"})
  void anUnknownWordIsToldAndCountsAsClosed(String namespace, String pod, String object) {
    CompiledChange compilation = compile(namespace, pod);

    assertThat(mode(compilation)).isEqualTo(FailMode.CLOSED);
    assertThat(compilation.statuses())
        .singleElement()
        .asString()
        .contains(object + ": metadata.annotations[\"sluice.io/fail\"]: '")
        .endsWith("is no mode, so closed holds; write closed or open");
  }

  private static CompiledChange compile(String namespace, String pod) {
    return Manifests.compile(
        """
        apiVersion: v1
        kind: Namespace
        metadata: {name: shop, annotations: {%s}}
        """
            .formatted(annotation(namespace)),
        Manifests.pod(
            "web",
            "10.0.0.1",
            "labels: {sluice.io/mesh: enabled}, annotations: {" + annotation(pod) + "}",
            ""));
  }

  private static String annotation(String word) {
    return word.equals("-") ? "" : "sluice.io/fail: \"" + word + "\"";
  }

  private static FailMode mode(CompiledChange compilation) {
    return compilation.snapshot().workloads().iterator().next().interception().openings().fail();
  }
}
