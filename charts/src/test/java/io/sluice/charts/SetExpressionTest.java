package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The grammar of {@code --set}; the expected values are those of Helm's own documentation. */
class SetExpressionTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      value = {
        "a=b; {'a':'b'}",
        "a=b,c=d; {'a':'b','c':'d'}",
        "outer.inner=value; {'outer':{'inner':'value'}}",
        "name={a, b}; {'name':['a',' b']}",
        "name={}; {'name':[]}",
        "name=[]; {'name':'[]'}",
        "servers[0].port=80,servers[0].host=x; {'servers':[{'port':80,'host':'x'}]}",
        "list[1]=x; {'list':[null,'x']}",
        "name=value1\\,value2; {'name':'value1,value2'}",
        "nodeSelector.kubernetes\\.io/role=master; {'nodeSelector':{'kubernetes.io/role':'master'}}",
        "a=true,b=false,c=null,d=12,e=-3,f=012,g=1.5; {'a':true,'b':false,'c':null,'d':12,'e':-3,'f':'012','g':'1.5'}",
        "a=; {'a':''}",
        "a=x=y; {'a':'x=y'}"
      })
  void readsWhatHelmReads(String text, String expected) throws Exception {
    Map<String, Object> values = new LinkedHashMap<>();
    SetExpression.apply(text, values);

    assertThat(JSON.valueToTree(values).toString()).isEqualTo(expected.replace('\'', '"'));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "a; '=' with the value is missing at character 2",
        "=b; a name is missing at character 1",
        "a.=b; a name is missing at character 3",
        "a[x]=b; no position from 0",
        "a[9999]=b; no position from 0 to 1023",
        "a[0=b; no position",
        "a={b; a '}' is missing",
        "a={b}c; a ',' is missing",
        "a=b,; a name is missing at character 5"
      })
  void wrongTextIsToldWithItsPlace(String text, String told) {
    assertThatThrownBy(() -> SetExpression.apply(text, new LinkedHashMap<>()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("--set '" + text + "'")
        .hasMessageContaining(told);
  }

  @Test
  void laterValuesStandBesideEarlierOnes() {
    Map<String, Object> values = new LinkedHashMap<>();
    SetExpression.apply("image.registry=a,image.pullPolicy=Never", values);
    SetExpression.apply("image.registry=b", values);
    SetExpression.applyText("trustBundle.pem", "--- {a,b}\n", values);

    assertThat(values.toString())
        .isEqualTo("{image={registry=b, pullPolicy=Never}, trustBundle={pem=--- {a,b}\n}}");
  }
}
