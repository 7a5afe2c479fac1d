'use client';
import {
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  startAuthentication,
  startRegistration,
} from '@simplewebauthn/browser';
import { ceremonyWords } from './words';

/** Asks the browser for a signature of a passkey. @throws Error in words for the person */
export const signWithPasskey = (optionsJSON: PublicKeyCredentialRequestOptionsJSON) => inWords(startAuthentication({ optionsJSON }));

/** Asks the browser to make a passkey. @throws Error in words for the person */
export const createPasskey = (optionsJSON: PublicKeyCredentialCreationOptionsJSON) => inWords(startRegistration({ optionsJSON }));

async function inWords<T>(ceremony: Promise<T>): Promise<T> {
  try {
    return await ceremony;
  } catch (error) {
    throw new Error(ceremonyWords(error), { cause: error });
  }
}
