package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fabric8.kubernetes.api.model.Service;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The reader that every other test relies on notices what an API server would. */
class StrictReaderTest {
  private static final String SERVICE =
      """
      apiVersion: v1
      kind: Service
      metadata: {name: a}
      spec:
        ports: [{port: 1}]
      """;

  @Test
  void readsWhatIsRight() {
    assertThat(StrictReader.read(SERVICE + "---\n" + SERVICE))
        .hasSize(2)
        .allMatch(Service.class::isInstance);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "kind: Service     | kind: Servise                | nobody expects a v1/Servise",
        "metadata: {name   | metadata: {label: {}, name   | label",
        "ports: [{port: 1  | ports: [{prot: TCP, port: 1  | prot",
        "ports: [{port: 1  | ports: [{port: '1'           | port",
        "ports: [          | ipFamilyPolicy: {}, ports: [ | while parsing",
        "spec:             | spec: {}\\nspec:             | duplicate key spec",
      })
  void refusesWhatIsWrongAndNamesIt(String right, String wrong, String named) {
    String text = SERVICE.replace(right, wrong.replace("\\n", "\n"));
    assertThat(text).isNotEqualTo(SERVICE);

    assertThatThrownBy(() -> StrictReader.read(text)).hasMessageContaining(named);
  }
}
