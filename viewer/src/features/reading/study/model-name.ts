/** Manufacturer's Model Name (0008,1090) of what this viewer makes: what makes our objects known again. */
export const MODEL_NAME = 'Lifeboat viewer';
