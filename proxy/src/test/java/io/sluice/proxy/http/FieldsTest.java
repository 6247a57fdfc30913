package io.sluice.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Names are found however they are written, and whatever else is there. */
class FieldsTest {
  private static Fields of(String... lines) {
    Fields fields = new Fields();
    for (int i = 0; i < lines.length; i += 2) {
      fields.add(lines[i], lines[i + 1]);
    }
    return fields;
  }

  private static String text(Fields fields) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < fields.size(); i++) {
      text.append(fields.name(i)).append('=').append(fields.value(i)).append(' ');
    }
    return text.toString();
  }

  @Test
  void namesAreFoundInEitherCase() {
    Fields fields = of("Accept", "a", "X-ID", "1", "x-Id", "2", "x-ie", "3");

    assertThat(fields.first("x-id")).isEqualTo("1");
    assertThat(fields.joined("X-Id")).isEqualTo("1, 2");
    assertThat(fields.count("x-iD")).isEqualTo(2);
    assertThat(fields.first("x-if")).isNull();
    assertThat(fields.joined("accepT")).isEqualTo("a");
    assertThat(fields.count("")).isZero();
  }

  @Test
  void whatGoesLeavesTheOthersInTheirOrder() {
    Fields fields = of("a", "1", "b", "2", "A", "3", "c", "4", "a", "5");

    fields.remove("a");
    assertThat(text(fields)).isEqualTo("b=2 c=4 ");
    fields.remove("d");
    fields.set("B", "6");
    assertThat(text(fields)).isEqualTo("c=4 B=6 ");
  }

  /** Also where what stands for the other is the last letter, or the only one. */
  @Test
  void whatReadsLikeANameGoesWithIt() {
    Fields fields = of("X_Forwarded-For", "1", "x-forwarded-fox", "2", "x_", "3", "_", "4");

    fields.removeLike("x-forwarded-for");
    fields.removeLike("x-");
    fields.removeLike("-");
    assertThat(text(fields)).isEqualTo("x-forwarded-fox=2 ");
  }

  @Test
  void whatReadsLikeANameWithUnderscoresGoesWithIt() {
    Fields fields = of("x_user", "1", "X-User", "2", "x-used", "3", "id_", "4", "ID-", "5");

    fields.removeLike("X_user");
    fields.removeLike("id_");
    assertThat(text(fields)).isEqualTo("x-used=3 ");
  }

  @Test
  void aCopyHasAsManyLinesAndIsChangedAlone() {
    Fields fields = new Fields();
    IntStream.range(0, 100).forEach(i -> fields.add("name-" + i, "value-" + i));
    Fields copy = fields.copy();
    fields.remove("name-99");
    copy.remove("name-0");

    assertThat(copy.size()).isEqualTo(99);
    assertThat(copy.first("name-99")).isEqualTo("value-99");
    assertThat(fields.first("name-0")).isEqualTo("value-0");
    assertThat(fields.first("name-99")).isNull();
  }
}
