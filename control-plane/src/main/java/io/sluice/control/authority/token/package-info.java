/**
 * Issuers whose keys are in a PKCS#11 token, such as a hardware security module, through the JDK's
 * SunPKCS11 provider. No key ever leaves the token.
 *
 * <p>Start reading at {@link io.sluice.control.authority.token.TokenIssuers}.
 */
@NullMarked
package io.sluice.control.authority.token;

import org.jspecify.annotations.NullMarked;
