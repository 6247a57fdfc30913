package io.sluice.proxy.tls;

import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;

/** What a hostile peer presents. */
public record PresentedChain(List<X509Certificate> chain, PrivateKey key) {}
