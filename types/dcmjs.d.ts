// dcmjs ships no types. Only #libs/dicom imports it, and gives what it hands out types of its own.
declare module 'dcmjs';
