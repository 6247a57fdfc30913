package io.sluice.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QueryTest {
  @ParameterizedTest
  @CsvSource(
      nullValues = "-",
      value = {
        "'', a, -",
        "'?', a, -",
        "'?a=b', a, b",
        "'?a=b', A, -",
        "'?a', a, ''",
        "'?a=', a, ''",
        "'?b=1&a=2', a, 2",
        "'?a=1&a=2', a, 1",
        "'?a=b=c', a, b=c",
        "'?%61=b%20c+d', a, b c d",
        "'?a=%', a, %",
        "'?a=%4', a, %4",
        "'?a=%zz', a, %zz",
        "'?a=%41', a, A",
        "'?&&a=b&', a, b",
        "'?aa=b', a, -",
        "'?&&a=b&', '', -",
        "'?a&=b', '', b"
      })
  void findsTheFirstValue(String query, String name, String value) {
    assertThat(Query.first(query, name)).isEqualTo(value);
  }
}
